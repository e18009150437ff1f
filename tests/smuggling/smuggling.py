"""smuggling.py PROGRAM [--count N] [--first N] [--only NAME,…]: real servers behind our proxy, and mutated requests.

Starts nginx, HAProxy, Apache and Node, each set to take as much as it can be talked into, and lets PROGRAM
(smuggling.cc) send N mutated requests through the proxy to each of them and count what they saw.
"""
import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

NGINX = """
daemon off; master_process off; pid {dir}/pid; error_log {dir}/error crit;
events {{ worker_connections 1024; }}
http {{
  log_format seen escape=none '$request';
  access_log {log} seen;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  underscores_in_headers on; ignore_invalid_headers off; keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} }}
}}
"""

HAPROXY = """
global
  log stdout format raw local0
defaults
  mode http
  log global
  option dontlognull
  log-format "%HM %HU -"
  timeout client 60s
  timeout http-keep-alive 60s
  timeout http-request 60s
  timeout connect 1s
  timeout server 60s
frontend seen
  bind 127.0.0.1:{port}
  option accept-invalid-http-request
  http-request return status 200 content-type text/plain string ok
"""

APACHE = """
ServerRoot {dir}
ServerName localhost
PidFile {dir}/pid
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
ErrorLog {dir}/error
LogFormat "%r" seen
CustomLog {log} seen
DocumentRoot {dir}
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
HttpProtocolOptions Unsafe LenientMethods Allow0.9
AllowEncodedSlashes On
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def program(*names):
    for name in names:
        for path in (shutil.which(name), f"/usr/sbin/{name}"):
            if path and os.access(path, os.X_OK):
                return path
    return None


def start(name, directory, port, log):
    """The command that runs the server in the foreground, or None if it is not installed."""
    directory.mkdir()
    config = directory / "config"
    if name == "node":
        found = program("node")
        return found and [found, str(HERE / "origin.js"), str(port), str(log)]
    if name == "nginx":
        config.write_text(NGINX.format(dir=directory, port=port, log=log))
        found = program("nginx")
        return found and [found, "-p", str(directory), "-c", str(config), "-e", str(directory / "error")]
    if name == "haproxy":
        config.write_text(HAPROXY.format(port=port))
        found = program("haproxy")
        return found and [found, "-f", str(config), "-db"]
    config.write_text(APACHE.format(dir=directory, port=port, log=log, modules="/usr/lib/apache2/modules"))
    found = program("apache2")
    return found and [found, "-f", str(config), "-DFOREGROUND"]


def wait_for(port, process, name):
    for _ in range(500):
        if process.poll() is not None:
            break
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit(f"{name} did not start")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--only", default="nginx,haproxy,apache,node")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jeton-smuggling-") as top:
        processes, arguments, missing = [], [], []
        try:
            for name in options.only.split(","):
                directory, port = Path(top) / name, free_port()
                log = Path(top) / f"{name}.log"
                log.touch()
                command = start(name, directory, port, log)
                if not command:
                    missing.append(name)
                    continue
                own = open(log if name == "haproxy" else directory / "output", "ab")
                processes.append(subprocess.Popen(command, stdout=own, stderr=subprocess.DEVNULL,
                                                  stdin=subprocess.DEVNULL))
                wait_for(port, processes[-1], name)
                arguments.append(f"{name}={port}={log}")
            if missing:
                sys.exit(f"not installed: {', '.join(missing)}; tools/install-dependencies test installs them")
            subprocess.run([options.program, "canary", *arguments], check=True)
            done = subprocess.run([options.program, str(options.first), str(options.count), *arguments])
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
    sys.exit(done.returncode)


main()
