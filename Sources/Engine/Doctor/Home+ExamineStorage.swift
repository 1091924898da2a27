// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Runtime

extension Home {
    var storageFindings: [Finding] { [overlay(withIDs: true), overlay(withIDs: false), room, mountLibrary] }

    /// A container's root made as a launch makes it, on the very file system that holds this root.
    private func overlay(withIDs: Bool) -> Finding {
        let topic = withIDs ? "overlay with ids" : "overlay"
        let error = attempt { (scratch: String) throws(SystemError) in
            try Overlay.attempt(in: scratch, owner: withIDs ? (try? UserRanges.configured())?.users ?? 100_000 : nil)
        }
        guard let error else {
            return Finding(
                topic, .works, withIDs ? "layers at \(path) are shown with a container's ids" : "layers at \(path) can be stacked")
        }
        if error.errno == ENODEV { return Finding(topic, .fails, "this kernel has no overlayfs", remedy: "modprobe overlay") }
        guard withIDs else {
            return Finding(topic, .fails, "layers at \(path) cannot be stacked: \(error)", remedy: "--root on ext4, xfs, btrfs or tmpfs")
        }
        return Finding(
            topic, .limited, "the file system of \(path) cannot show its files with a container's ids: \(error)",
            remedy: "--root on ext4, xfs or btrfs; else --userns host, where a container's root is this machine's")
    }

    /// Does something in a folder beside the containers, which goes afterwards.
    private func attempt(_ body: (String) throws(SystemError) -> Void) -> SystemError? {
        let name = ".doctor-\(getpid())"
        let scratch = "\(path)/containers/\(name)"
        defer { try? Directory.removeAll(name, at: containers.place) }
        do throws(SystemError) {
            try Directory.make(scratch)
            try body(scratch)
            return nil
        } catch { return error }
    }

    private var room: Finding {
        var status = statvfs()
        guard fstatvfs(containers.raw, &status) == 0 else {
            return Finding(
                "room", .limited, "how much room is left at \(path) cannot be learned: \(SystemError(call: "statvfs", errno: errno).reason)"
            )
        }
        let (bytes, over) = Int64(clamping: status.f_bavail).multipliedReportingOverflow(by: Int64(clamping: status.f_frsize))
        let free = over ? Int64.max : bytes
        let words = "\(ByteCount(free)) and \(status.f_favail) files are left at \(path)"
        // Some file systems have no count of files, and say 0 of 0.
        guard free > 1 << 30, status.f_files == 0 || status.f_favail > 10_000 else {
            return Finding("room", .limited, words, remedy: "minictl system prune -a")
        }
        return Finding("room", .works, words)
    }

    private var mountLibrary: Finding {
        guard let version = MountTable.libraryVersion else {
            return Finding(
                "libmount", .limited, "libmount.so.1 cannot be loaded, so that sentences about mounts say less",
                remedy: "apt install libmount1")
        }
        return Finding("libmount", .works, "version \(version) reads the mount table")
    }
}
