// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// This program, protected from what it runs. A container without ids of its own can make us execute ourselves (`#!/proc/self/exe`),
/// keep that file open, and write into it once we have ended: the next call would run its code as host root (CVE-2019-5736).
package enum SealedProgram {
    /// Says that the one attempt was made, so that a kernel that does as if cannot send us round for ever.
    private static let mark = "MINICTL_SEALED"

    /// Executes this program again, from a read-only mount of its own file. Returns at once where that has been done,
    /// or where the file lies on a read-only mount anyway.
    /// - Parameter kept: descriptors that the program is to find again as it found them now.
    ///
    /// The mount is attached nowhere and goes with its descriptor, which exec closes: from then on only the running program holds
    /// it, and the kernel lets nobody change a mount that is in no namespace.
    package static func enter(_ arguments: [String], keeping kept: [CInt] = []) throws(SystemError) {
        if try isSealed() { return }
        guard getenv(mark) == nil else { throw SystemError(call: "execveat", subject: "a read-only mount of this program", errno: EROFS) }
        let mount = try Mount(cloning: "/proc/self/exe")
        try mount.set(.readOnly)
        try check("setenv") { setenv(mark, "1", 1) }
        for raw in kept { _ = linux_fcntl(raw, F_SETFD, 0) }
        try check("execveat", "/proc/self/exe") {
            linux_execveat(mount.descriptor.raw, "", CStrings(arguments).pointer, Glibc.environ, CInt(linux_at_empty_path))
        }
    }

    private static func isSealed() throws(SystemError) -> Bool {
        guard try FileDescriptor(opening: "/proc/self/exe", [.path]).isReadOnlyMount() else { return false }
        unsetenv(mark)
        return true
    }
}
