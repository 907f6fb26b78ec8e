"""Valid and malformed W3C trace headers, for the parsers' tests and for those of whole requests."""

from __future__ import annotations

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{PARENT}-01"

MALFORMED_TRACEPARENTS = {
    "empty": "",
    "one digit short": f"00-{TRACE[1:]}-{PARENT}-01",
    "one digit long": f"00-{TRACE}0-{PARENT}-01",
    "short parent": f"00-{TRACE}-{PARENT[1:]}-01",
    "short flags": f"00-{TRACE}-{PARENT}-1",
    "no flags": f"00-{TRACE}-{PARENT}",
    "upper case trace id": f"00-{TRACE.upper()}-{PARENT}-01",
    "upper case parent": f"00-{TRACE}-{PARENT.upper()}-01",
    "upper case flags": f"00-{TRACE}-{PARENT}-0A",
    "zero trace id": f"00-{'0' * 32}-{PARENT}-01",
    "zero parent": f"00-{TRACE}-{'0' * 16}-01",
    "version ff": f"ff-{TRACE}-{PARENT}-01",
    "version ff with more": f"ff-{TRACE}-{PARENT}-01-more",
    "upper case version": f"CC-{TRACE}-{PARENT}-01",
    "version 00 with more": f"{VALID}-more",
    "version 00 with a dash": f"{VALID}-",
    "future version, no dash": f"cc-{TRACE}-{PARENT}-01.what",
    "sent twice": f"{VALID},{VALID}",
    "sent twice, with a blank": f"{VALID}, {VALID}",
    "junk": "j" * 8192,
    "future junk": f"cc-{TRACE}-{PARENT}-01-" + "j" * 8192,
    "not ASCII": f"00-{TRACE[1:]}é-{PARENT}-01",
    "other digits": f"00-{chr(0x661) * 32}-{PARENT}-01",
    "no-break space": f"\xa0{VALID}",
    "control character": f"00-{TRACE}\x00-{PARENT}-01",
    "trailing newline": f"{VALID}\n",
}

THIRTY_TWO = ",".join(f"k{number}=v" for number in range(32))
EVERY_VALUE_CHARACTER = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=") + "!"

VALID_TRACESTATES = {
    "one member": ("congo=t61rcWkgMzE", None),
    "order is kept": ("b=2,a=1,c=3", None),
    "at sign anywhere after the first character": ("a@=1,tenant@vendor@more=2,a@9=3", None),
    "digits first": ("0=1,9vendor=2", None),
    "every key character": ("0az_-*/@=1", None),
    "every value character": (f"a={EVERY_VALUE_CHARACTER}", None),
    "a value that begins with a blank": ("a= 1", None),
    "a key of 256": (f"{'k' * 256}=1", None),
    "a value of 256": (f"k={'v' * 256}", None),
    "32 members": (THIRTY_TWO, None),
    "white space around members": (" a=1\t,\t b=2 ", "a=1,b=2"),
    "empty members": (",a=1,, \t,b=2,", "a=1,b=2"),
    "a duplicate member": ("foo=1,foo=1", "foo=1"),
    "a duplicate key": ("a=1,b=2,a=3", "a=1,b=2"),
}

MALFORMED_TRACESTATES = {
    "empty": "",
    "empty members alone": ", ,\t",
    "no equals sign": "a",
    "no key": "=1",
    "no value": "a=",
    "a blank value": "a= ",
    "33 members with a duplicate key": THIRTY_TWO + ",k0=v",
    "33 members": THIRTY_TWO + ",k32=v",
    "a key of 257": f"{'k' * 257}=1",
    "a value of 257": f"k={'v' * 257}",
    "upper case key": "Congo=1",
    "key begins with an at sign": "@a=1",
    "key begins with an underscore": "_a=1",
    "a blank in the key": "a b=1",
    "a blank behind the key": "a =1",
    "a dot in the key": "a.b=1",
    "two equals signs": "a=1=2",
    "not ASCII": "a=é",
    "control character": "a=1\x01",
    "a tab within": "a=1\t2",
    "newline": "a=1\n",
    "one bad member among good ones": "a=1,B=2,c=3",
    "junk": "j" * 8192,
    "endless white space": "a=1" + " " * 20_000,
}
