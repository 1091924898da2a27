// SPDX-License-Identifier: Apache-2.0
import CLI
import Glibc
import Linux

// Whatever the caller had open beyond the first three is nobody's business in here (CVE-2024-21626), and those three are always there.
// A command may still be told to read one of them, as `--env-file /dev/fd/63`; a monitor lets go of them. Where this cannot be done nothing is
// lost: before its program each process of a container closes them once more, and does not go on without.
_ = FileDescriptor.inherited
try? FileDescriptor.closeAll(from: 3, onlyOnExec: true)
FileDescriptor.fillStandardStreams()
// Too large a file is the error of a write (EFBIG), and not the end of us.
signal(SIGXFSZ, SIG_IGN)
// Global, so that nobody takes it apart again.
let program = minictl
// Nothing waits to be flushed.
Process.exit(program.main(Process.arguments))
