"""Asks one question after the other, each only when the one before is answered."""
import subprocess

talk = subprocess.Popen(["jeton", "key", "check", "--batch-json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
for question in (b'{"keys":[]}\n', b"\n", b'{"keys":[]}\n'):
    talk.stdin.write(question)
    talk.stdin.flush()
    print(talk.stdout.readline().decode(), end="")
talk.stdin.close()
print("exit", talk.wait())
