"""Write the causes into docs/runbook.md, and the policy into docs/verify.md and README.md."""

from operations.diagnosis.cause import RUNBOOK
from operations.diagnosis.policy import DOCUMENT, TABLE, with_document, with_table
from operations.diagnosis.runbook import with_entries
from operations.pins import ROOT

for name, update in ((RUNBOOK, with_entries), (TABLE, with_table), (DOCUMENT, with_document)):
    path = ROOT / name
    path.write_text(update(path.read_text(encoding="utf-8")), encoding="utf-8")
