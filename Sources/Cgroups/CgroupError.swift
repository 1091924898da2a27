// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// Why a cgroup or a limit could not be had.
package enum CgroupError: Error, Equatable {
    /// A value in the OCI resources that has no meaning: what, and what is wrong with it.
    case invalid(String, String)
    /// A limit that exists only in the other cgroup version.
    case onlyIn(Hierarchy.Version, String)
    /// No hierarchy carries the controller.
    case controllerMissing(Controller)
    /// The controller exists but was not handed down to the directory.
    case notDelegated(Controller, String)
    /// The directory holds processes, so version 2 forbids handing controllers down from it.
    case parentOccupied(String)
    /// The new container's cgroup exists and has processes in it.
    case occupied(String)
    /// The path cannot be reached from the mounts this process sees.
    case unreachable(String)
    /// The kernel was built or started without the file.
    case unsupported(String)
    /// The caller may not do it.
    case noPermission(SystemError)
    /// The kernel refused the text: file, text, errno.
    case refused(String, String, CInt)
    /// The kernel took the text but kept something else: file, text, what it reads.
    case notKept(String, String, String)
    /// Processes or sub-cgroups that would not go within the time given.
    case busy(String)
    /// Any other failure.
    case system(SystemError)

    /// Sorts a failed call by what the caller can do about it.
    init(_ error: SystemError) {
        switch error.errno {
        case EACCES, EPERM, EROFS: self = .noPermission(error)
        default: self = .system(error)
        }
    }

    /// True where a limit nobody asked for may be left out.
    package var isMissingMeans: Bool {
        switch self {
        case .controllerMissing, .notDelegated, .parentOccupied, .unreachable, .unsupported, .noPermission, .onlyIn: true
        case .invalid, .occupied, .refused, .notKept, .busy, .system: false
        }
    }
}

extension CgroupError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .invalid(let what, let why): "\(what): \(why)"
        case .onlyIn(let version, let what): "\(what) exists only in cgroup \(version)"
        case .controllerMissing(let controller):
            "the limit needs the \(controller.legacyName) controller, which this machine does not offer"
        case .notDelegated(let controller, let directory):
            "the limit needs the \(controller.unifiedName) controller, which is not delegated to \(directory); "
                + "with systemd: Delegate=yes, or run inside systemd-run --user --scope -p Delegate=yes"
        case .parentOccupied(let directory):
            "cannot hand controllers down from \(directory): it has processes of its own, and cgroup v2 allows one or the other; "
                + "move them into a sub-cgroup, or name another parent"
        case .occupied(let directory): "\(directory) has processes in it already"
        case .unreachable(let path): "no cgroup mount shows \(path)"
        case .unsupported(let file): "this kernel has no \(file)"
        case .noPermission(let error): "no right to \(error.call) \(error.subject): \(error.reason)"
        case .refused(let file, let text, _) where file.hasSuffix("/cpuset.cpus") || file.hasSuffix("/cpuset.mems"):
            "not all of \(text) can be had: \(Self.available(file))"
        case .refused(let file, let text, let errno):
            "the kernel refused \(text.debugDescription) in \(file): \(SystemError(call: "write", errno: errno).reason)"
        case .notKept(let file, let text, let reads):
            "wrote \(text.debugDescription) to \(file), but it reads \(reads.debugDescription)"
        case .busy(let directory): "\(directory) cannot be removed: something in it does not end"
        case .system(let error): error.description
        }
    }
}

extension CgroupError {
    /// What a list in that file may name.
    private static func available(_ file: String) -> String {
        let (what, list) = file.hasSuffix(".mems") ? ("memory nodes", "node/has_memory") : ("processors", "cpu/online")
        let numbers = (try? File.readKernel("/sys/devices/system/\(list)"))?.prefix { $0 != "\n" } ?? "?"
        return "this machine has the \(what) \(numbers), and the parent cgroup may have fewer"
    }
}
