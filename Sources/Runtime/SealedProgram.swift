// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// This program, run from where nobody can write it.
///
/// Until it executes the container's program, the first process of a container is this one: an image whose program is
/// `#!/proc/self/exe` executes it again inside, and whoever is root there may then write through `/proc/PID/exe` (CVE-2019-5736).
/// Root of a user namespace of its own has no right to a file of the host's root. Only where container root is host root is more
/// needed: the program then runs from an overlay without a writable layer, as runc's `exeseal` does, which costs no copy.
package enum SealedProgram {
    /// Returns if the program cannot be written through `/proc/self/exe`; else starts it again, with the same arguments, from where it cannot.
    /// - Parameter environment: set for the new start.
    package static func require(_ environment: [(name: String, value: String)] = []) throws(LaunchError) {
        do throws(SystemError) {
            if isSealed { return }
            guard let path = Machine.programPath, let slash = path.lastIndex(of: "/") else {
                throw SystemError(call: "readlink", subject: "/proc/self/exe", errno: ENOENT)
            }
            let folder = slash == path.startIndex ? "/" : String(path[..<slash])
            let name = String(path[path.index(after: slash)...])
            let program = Machine.kernel(atLeast: 6, 13) ? try readOnlyView(of: name, in: folder) : try sealedCopy(of: path)
            for variable in environment { setenv(variable.name, variable.value, 1) }
            throw Process.executeAgain(program)
        } catch {
            throw .system(doing: "run from a place that the container cannot write", error)
        }
    }

    /// The file in an overlay that has no writable layer. overlayfs then wants two others, so an empty one lies on top.
    private static func readOnlyView(of name: String, in folder: String) throws(SystemError) -> FileDescriptor {
        let empty = try FileSystemContext("tmpfs").mount()
        let programs = try Mount(cloning: folder)
        let context = try FileSystemContext("overlay")
        try context.set("lowerdir+", descriptor: empty.descriptor)
        try context.set("lowerdir+", descriptor: programs.descriptor)
        let view = try context.mount([.readOnly, .noSetID, .noDevices])
        let program = try FileDescriptor(opening: name, at: view.descriptor.place, [.path, .noFollow])
        guard try program.status().kind == .regular else { throw SystemError(call: "open", subject: name, errno: ENOENT) }
        return program
    }

    /// A copy in memory that can be written no more, for kernels whose overlays want paths.
    private static func sealedCopy(of path: String) throws(SystemError) -> FileDescriptor {
        let source = try FileDescriptor(opening: path)
        let copy = try FileDescriptor(memory: "minictl")
        while try check("sendfile", path, { sendfile(copy.raw, source.raw, nil, 1 << 24) }) > 0 {}
        try copy.seal()
        return copy
    }

    private static var isSealed: Bool {
        guard let file = try? FileDescriptor(opening: "/proc/self/exe", [.writeOnly]) else {
            // ETXTBSY says that it could be written if it were not running, EPERM that it is a sealed copy.
            return errno == EROFS || errno == EPERM || errno == EACCES
        }
        _ = consume file
        return false
    }
}
