// SPDX-License-Identifier: Apache-2.0
import CLI
import Glibc
import Linux

// Whatever the caller had open beyond the first three is nobody's business in here (CVE-2024-21626), and those three are always there.
try? FileDescriptor.closeAll(from: 3, onlyOnExec: true)
FileDescriptor.fillStandardStreams()
exit(minictl.main(Process.arguments))
