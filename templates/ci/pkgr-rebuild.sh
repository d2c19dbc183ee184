#!/bin/sh
# What pkgr-rebuild.service runs in the folder of the recipes.
set -eu

# secrets come as files that only this service sees
secrets=${CREDENTIALS_DIRECTORY:-}
if [ -n "$secrets" ] && [ -f "$secrets/pkgr_signing-key" ]; then
  PKGR_SIGNING_KEY=$(cat "$secrets/pkgr_signing-key")
  export PKGR_SIGNING_KEY
fi
if [ -n "$secrets" ] && [ -f "$secrets/pkgr_signing-key-passphrase" ]; then
  PKGR_SIGNING_KEY_PASSPHRASE=$(cat "$secrets/pkgr_signing-key-passphrase")
  export PKGR_SIGNING_KEY_PASSPHRASE
fi
if [ -n "$secrets" ] && [ -f "$secrets/pkgr_sftp-key" ]; then
  PKGR_SFTP_KEY=$(cat "$secrets/pkgr_sftp-key")
  export PKGR_SFTP_KEY
fi

BRANCH=$(git symbolic-ref --short HEAD)
REMOTE=$(git config "branch.$BRANCH.remote" || echo origin)
git pull --quiet --ff-only "$REMOTE" "$BRANCH"
@FETCH@
status=0
@REBUILD@ --summary pkgr-summary.md || status=$?
unset PKGR_SIGNING_KEY PKGR_SIGNING_KEY_PASSPHRASE PKGR_SFTP_KEY
# the packages are sent: the locks are committed whatever else failed
@COMMIT@
exit "$status"
