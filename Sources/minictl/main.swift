import Glibc
import Linux
print(try check("getpid") { getpid() })
