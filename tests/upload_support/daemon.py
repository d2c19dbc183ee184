"""Launchpad's upload daemon (txpkgupload of PyPI) on loopback, for tests.

The package is used as it is installed. What its age asks for is put right here,
in the process: yaml.load wants a loader nowadays, collections.Callable has moved;
and its sockets, which listen on every address, are bound to loopback. IPv4 is
served as production does, by mapped addresses of an IPv6 socket.

The authentication service that it asks for accounts and keys runs in the same
process; the accounts are a JSON file {name: [[type, base64], ...]}.

usage: daemon.py FOLDER    with FOLDER/{host_key,host_key.pub,accounts.json}
prints {"ftp": PORT, "sftp": PORT} when it is ready, and ends with its input.
"""

import collections
import collections.abc
import json
import os
import sys
import threading

collections.Callable = collections.abc.Callable

import yaml

load = yaml.load
yaml.load = lambda stream, Loader=yaml.SafeLoader: load(stream, Loader)

from twisted.application import service, strports
from twisted.internet import endpoints, reactor
from twisted.web import server, xmlrpc

import txpkgupload.twistedftp as twistedftp

LOOPBACK = ("::1", "::ffff:127.0.0.1")
ports = {}


class OnLoopback(service.Service):
    """A service on one port of both loopback addresses."""

    def __init__(self, description, factory):
        self.kind = "ftp" if "ftp" in type(factory).__name__.lower() else "sftp"
        self.factory = factory
        self.listening = []

    def startService(self):
        service.Service.startService(self)
        for attempt in range(50):
            first = reactor.listenTCP(0, self.factory, interface=LOOPBACK[0])
            port = first.getHost().port
            try:
                second = reactor.listenTCP(port, self.factory, interface=LOOPBACK[1])
            except Exception:
                first.stopListening()
                continue
            self.listening = [first, second]
            ports[self.kind] = port
            return
        raise SystemExit("no port is free on both loopback addresses")


strports.service = OnLoopback


def data_port(self, factory, interface=""):
    return self.listenFactory(0, factory, interface=self.transport.getHost().host)


twistedftp.FTPWithEPSV.getDTPPort = data_port


class Accounts(xmlrpc.XMLRPC):
    def __init__(self, path):
        xmlrpc.XMLRPC.__init__(self)
        with open(path) as accounts:
            self.accounts = json.load(accounts)

    def xmlrpc_getUserAndSSHKeys(self, name):
        if name not in self.accounts:
            raise xmlrpc.Fault(200, "No such person: %s" % name)
        return {"id": 1, "name": name, "keys": self.accounts[name]}


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def main(folder):
    accounts = server.Site(Accounts(os.path.join(folder, "accounts.json")))
    asked = reactor.listenTCP(0, accounts, interface="127.0.0.1").getHost().port
    configuration = os.path.join(folder, "txpkgupload.yaml")
    with open(configuration, "w") as stream:
        yaml.safe_dump({
            "ftp": {"port": 0},
            "sftp": {
                "authentication_endpoint": "http://127.0.0.1:%d/" % asked,
                "host_key_private": os.path.join(folder, "host_key"),
                "host_key_public": os.path.join(folder, "host_key.pub"),
                "port": "tcp6:0",
            },
            "access_log": os.path.join(folder, "access.log"),
            "fsroot": os.path.join(folder, "incoming"),
            "temp_dir": os.path.join(folder, "sessions"),
            "idle_timeout": 3600,
        }, stream)

    from twisted.python import log
    from txpkgupload.plugin import PkgUploadServiceMaker
    from txpkgupload.services import PkgUploadServices

    log.startLogging(open(os.path.join(folder, "daemon.log"), "w"), setStdout=False)
    # its parent would be twistd's application, which takes the log; here it is ours
    PkgUploadServices.setServiceParent = lambda self, parent: None
    maker = PkgUploadServiceMaker("pkgupload", "")
    services = maker.makeService({"config-file": configuration}, server_argv=["--nodaemon"])

    def start():
        services.privilegedStartService()
        services.startService()
        print(json.dumps(ports), flush=True)

    reactor.callWhenRunning(start)
    threading.Thread(target=end_with_input, daemon=True).start()
    reactor.run()


main(os.path.abspath(sys.argv[1]))
