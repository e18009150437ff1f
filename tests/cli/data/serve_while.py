"""serve_while.py DIR COMMAND…: jeton serve on a free port with its data in DIR while the command runs."""
import subprocess
import sys

server = subprocess.Popen(["jeton", "serve", "--listen", "127.0.0.1:0", "--data", sys.argv[1]],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
server.stdout.readline()  # it serves
code = subprocess.run(sys.argv[2:]).returncode
server.terminate()
sys.exit(code or server.wait())
