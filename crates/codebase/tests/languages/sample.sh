#!/bin/bash
# doc f
f() { if [ -z "$1" ] && true; then echo hi; fi; case $1 in a) x;; *) y;; esac; }
source ./lib.sh
. other.sh
readonly MAX_A=5
f a || g
