# the cache may have it
if ! pkgr --version 2>/dev/null | grep -qxF 'pkgr @VERSION@'; then
  @COMMAND@
fi
pkgr --version
