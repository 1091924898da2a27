// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// A `/dev` with its nodes, made by the parent: in a user namespace nobody can make any, and to bind the host's one by one takes longer than
/// all else in `/dev`. These are the container's own, which sees itself as their owner and may do with them what it likes.
struct DeviceTree: Sendable {
    let fileSystem: FileSystemSetup
    /// Those that lie in `/dev` itself.
    let devices: [DeviceSetup]

    /// Makes it, attached nowhere.
    func mount(for user: UserNamespaceView) throws(LaunchError) -> Mount {
        do throws(SystemError) { return try make(for: user) } catch { throw .system(doing: "make the container's /dev", error) }
    }

    private func make(for user: UserNamespaceView) throws(SystemError) -> Mount {
        // Modes are given whole; the caller's umask has no say.
        let mask = umask(0)
        defer { umask(mask) }
        let identity = try FileSystemIdentity(user: user.rootUser, group: user.rootGroup)
        let mount = try fileSystem.make()
        let place = mount.descriptor.place
        for (path, target) in DefaultDevices.links {
            try place.makeLink("\(path)".folderAndName.name, target: "\(target)")
        }
        for device in devices { try device.make(device.path.folderAndName.name, at: place) }
        identity.end()
        for device in devices where device.user != 0 || device.group != 0 {
            try device.setOwner(device.path.folderAndName.name, at: place, for: user)
        }
        return mount
    }
}

extension DeviceTree {
    /// That of a container which is to have a new tmpfs at `/dev`, as every engine asks for it; nil for any other.
    init?(_ setups: [Setup], _ devices: [DeviceSetup]) {
        var found: FileSystemSetup?
        var directories: [String] = []
        for case .fileSystem(let setup) in setups {
            if setup.target == "/dev" {
                guard found == nil else { return nil }
                found = setup
            } else if let name = Self.name(below: setup.target) {
                directories.append(name)
            }
        }
        guard var found, found.type == "tmpfs", !found.copiesUp, found.options.allSatisfy({ Self.harmless.contains($0.key) }) else {
            return nil
        }
        found.directories = directories
        fileSystem = found
        self.devices = devices.filter { Self.name(below: $0.path) != nil }
    }

    /// Options that mean the same to whoever mounts it; ids would not.
    private static let harmless = ["mode", "size", "nr_blocks", "nr_inodes"]

    func makes(_ device: DeviceSetup) -> Bool { Self.name(below: device.path) != nil }

    /// The name of what lies in `/dev` itself.
    private static func name(below path: String) -> String? {
        let (folder, name) = path.folderAndName
        return folder == "/dev" && !name.isEmpty && name != "." && name != ".." ? name : nil
    }
}
