"""Refuse the requests that a web page of another origin can send to a server on this machine."""
