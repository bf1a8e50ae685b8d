# Prints the installed versions of the packages that it is given, in one line: `limits 4.4.1, redis 6.1.0`.
import sys
from importlib.metadata import version

print(", ".join(f"{name} {version(name)}" for name in sys.argv[1:]))
