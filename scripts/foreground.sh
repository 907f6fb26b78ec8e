# To be sourced: run commands that get the signals which would end this script, and time to clean up after them.
# shellcheck shell=bash

child=
# The status to exit with, once a signal has been passed on.
interrupted=

# Run a command to its end, and return its status.
run() {
  local status=0
  set -m # a group of its own, which does not ignore SIGINT
  "$@" </dev/null &
  child=$!
  set +m
  wait "$child" || status=$?
  # A signal ends the first wait.
  while kill -0 "$child" 2>/dev/null; do wait "$child" || status=$?; done
  child=
  return "$status"
}

# Invoked by the traps.
# shellcheck disable=SC2034,SC2317,SC2329 # `interrupted` is for the script that sources this
pass_on() {
  interrupted=$2
  if [ -n "$child" ]; then kill -s "$1" -- "-$child" 2>/dev/null || true; else exit "$2"; fi
}

trap 'pass_on INT 130' INT
trap 'pass_on TERM 143' TERM
trap 'pass_on HUP 129' HUP
