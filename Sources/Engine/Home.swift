// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Images
package import Linux

/// The root of all state: `images/`, `containers/` and `runtime/`, opened once and kept open.
package struct Home: ~Copyable {
    package let path: String
    package let containers: FileDescriptor
    /// What is true only while something runs: one file per container, locked by who watches it, and what goes with it.
    package let runtime: FileDescriptor
    /// Where to say what went wrong beside that which was asked for.
    let warn: (String) -> Void
    let rosterPlace = RosterPlace()

    /// Opens the root, making what is missing with mode 0700.
    package init(_ path: String, warn: @escaping (String) -> Void = { _ in }) throws(EngineError) {
        // Ids are mapped, layers mounted and limits set with the rights of the host's root.
        guard Process.isRoot else {
            throw .refused("minictl has to be started by root, for example with sudo; running it as another user is not supported yet")
        }
        let containers = try Self.open(path, "containers")
        let runtime = try Self.open(path, "runtime")
        self.containers = containers
        self.runtime = runtime
        self.path = path
        self.warn = warn
    }

    private static func open(_ root: String, _ name: String) throws(EngineError) -> FileDescriptor {
        let path = "\(root)/\(name)"
        do throws(SystemError) {
            return try FileDescriptor(opening: path, [.readOnly, .directory])
        } catch {
            guard error.errno == ENOENT else { throw .system(doing: "open the state directory", error) }
        }
        do throws(SystemError) {
            try Directory.makeAll(root, mode: 0o700)
            try Directory.make(path, mode: 0o700)
            return try FileDescriptor(opening: path, [.readOnly, .directory])
        } catch {
            throw .system(doing: "make the state directory", error)
        }
    }

    package func images() throws(EngineError) -> ImageStore {
        do throws(ImageError) { return try ImageStore(root: path) } catch { throw .image(error) }
    }

    /// `--root`, else `MINICTL_ROOT`, else the checkout whose `.build` this program was started from, else the place the system gives.
    package static func path(_ option: String?) throws(EngineError) -> String {
        if let option, !option.isEmpty { return try absolute(option) }
        if let path = Machine.environment("MINICTL_ROOT"), !path.isEmpty { return try absolute(path) }
        if let program = Machine.programPath, let checkout = checkout(of: program) { return checkout }
        if Process.isRoot { return "/var/lib/minictl" }
        if let data = Machine.environment("XDG_DATA_HOME"), data.isAbsolutePath { return "\(data)/minictl" }
        guard let home = Machine.environment("HOME"), home.isAbsolutePath else {
            throw .refused("there is no place for state: neither --root, MINICTL_ROOT, XDG_DATA_HOME nor HOME is set")
        }
        return "\(home)/.local/share/minictl"
    }

    /// `/x/.build/…/minictl` with `/x/images/base.json` beside it belongs to the checkout `/x`.
    private static func checkout(of program: String) -> String? {
        let parts = program.split(separator: "/", omittingEmptySubsequences: false)
        guard let index = parts.lastIndex(of: ".build"), index > 1 else { return nil }
        let root = parts[..<index].joined(separator: "/")
        guard (try? FileStatus(of: "\(root)/images/base.json"))?.kind == .regular else { return nil }
        return root
    }

    private static func absolute(_ path: String) throws(EngineError) -> String {
        guard !path.utf8.contains(0) else { throw .refused("the state directory's path has a NUL in it") }
        do throws(SystemError) { return try path.absolutePath() } catch { throw .system(doing: "find the working directory", error) }
    }
}
