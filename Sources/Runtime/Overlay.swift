// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// The container's user namespace as those need it who prepare mounts for it. Whoever made this keeps the descriptor open.
struct UserNamespaceView {
    let raw: CInt
    let map: UserMap

    /// The host's ids of root in it.
    var rootUser: UInt32 { map.users.host(0) ?? 0 }
    var rootGroup: UInt32 { map.groups.host(0) ?? 0 }
}

/// An overlay over read-only layers (the kernel's `overlayfs` documentation).
///
/// What is on disk keeps the image's ids: every layer, the writable one included, is cloned and, with a user namespace, shown with the
/// container's ids, and the overlay is made from the clones. Nothing is attached anywhere, so nothing can be left behind.
package struct Overlay: Sendable {
    /// From the bottom up, each a directory of the host's.
    package let layers: [String]
    /// The directory that holds `upper` and `work`: overlayfs wants both below one mount.
    let changes: String
    /// What is written need not survive the machine's end, for it goes with the container. Without this the kernel sends all that anybody has
    /// written to that file system to the disk when the overlay goes, and waits: 10 ms beside a compiler, 0.5 ms alone, with the blocks for
    /// our own small files, which are nowhere on the disk yet and never need to be.
    package var isVolatile = false

    /// A layer that an image has twice, as every step that changes nothing makes the same one, counts where it is topmost: overlayfs takes no
    /// directory twice (`ELOOP`), and whatever the lower one would show or hide, the upper one does.
    package init(layers: [String], changes: String) {
        self.layers = layers.indices.filter { !layers[($0 + 1)...].contains(layers[$0]) }.map { layers[$0] }
        self.changes = changes
    }

    /// Layers by descriptor: Linux 6.13.
    private static let byDescriptor = Machine.kernel(atLeast: 6, 13)

    /// - Parameter spent: gets the clones it was made from, to be closed when there is time: the kernel waits for a grace period of RCU
    ///   with each mount that goes.
    func mount(for user: UserNamespaceView?, spent: inout [CInt]) throws(SystemError) -> Mount {
        Self.byDescriptor ? try mountByDescriptor(user, &spent) : try mountByPath(user, &spent)
    }

    /// What the layers look like together, to be read only, attached nowhere.
    package static func view(of layers: [String]) throws(SystemError) -> FileDescriptor {
        let overlay = Overlay(layers: layers, changes: "")
        if overlay.layers.count == 1 { return try FileDescriptor(opening: overlay.layers[0], [.path, .directory]) }
        var spent: [CInt] = []
        defer { for raw in spent { close(raw) } }
        return try overlay.mount(for: nil, spent: &spent).descriptor.duplicate()
    }

    private func mountByDescriptor(_ user: UserNamespaceView?, _ spent: inout [CInt]) throws(SystemError) -> Mount {
        let context = try FileSystemContext("overlay")
        try context.set("source", "overlay")
        // A detached mount goes with its descriptor, so all stay open until the overlay has cloned them for itself.
        for path in layers.reversed() {
            try context.set("lowerdir+", descriptor: clone(path, user, &spent).raw)
        }
        if changes.isEmpty { return try context.mount(.readOnly) }
        let writable = try clone(changes, user, &spent)
        try context.set("upperdir", descriptor: FileDescriptor(opening: "upper", at: writable, [.path, .directory]))
        try context.set("workdir", descriptor: FileDescriptor(opening: "work", at: writable, [.path, .directory]))
        for option in options { try context.set(option) }
        guard let user else { return try context.mount() }
        // The kernel makes its work directory with our file system ids. They must exist in the idmapped layer:
        // otherwise the kernel quietly mounts the overlay read-only.
        let identity = try FileSystemIdentity(user: user.rootUser, group: user.rootGroup)
        let mount = try context.mount()
        identity.end()
        return mount
    }

    /// Before Linux 6.13 layers have to be named, so this process takes a mount namespace of its own for the while and attaches the
    /// clones there, below short numbers: all options together must fit into one page.
    private func mountByPath(_ user: UserNamespaceView?, _ spent: inout [CInt]) throws(SystemError) -> Mount {
        let writable = try changes.isEmpty ? nil : clone(changes, user, &spent).raw
        var clones: [CInt] = []
        for path in layers.reversed() { clones.append(try clone(path, user, &spent).raw) }
        return try Mount.aside { () throws(SystemError) in try attachAndMount(clones, writable, user) }
    }

    private func attachAndMount(_ layers: [CInt], _ writable: CInt?, _ user: UserNamespaceView?) throws(SystemError) -> Mount {
        let scratch = try FileSystemContext("tmpfs").mount()
        try scratch.attach(at: "/tmp")
        try check("fchdir") { fchdir(scratch.descriptor.raw) }
        for (index, raw) in layers.enumerated() {
            try Directory.make("\(index)")
            try Mount.attach(raw, at: "\(index)")
        }
        try Directory.make("m")
        var words =
            ["lowerdir=" + layers.indices.map { "\($0)" }.joined(separator: ":")]
            + options.map { $0.key + ($0.value.map { "=\($0)" } ?? "") }
        if let writable {
            try Directory.make("w")
            try Mount.attach(writable, at: "w")
            words.append("upperdir=w/upper,workdir=w/work")
        }
        let data = words.joined(separator: ",")
        if let user {
            let identity = try FileSystemIdentity(user: user.rootUser, group: user.rootGroup)
            try mountHere(data)
            identity.end()
        } else {
            try mountHere(data)
        }
        return try Mount(cloning: "m")
    }

    private func mountHere(_ data: String) throws(SystemError) {
        try check("mount", "overlay") { Glibc.mount("overlay", "m", "overlay", 0, data) }
    }

    /// A copy of the mount at a path, shown with the container's ids, open as long as `spent` keeps it.
    private func clone(_ path: String, _ user: UserNamespaceView?, _ spent: inout [CInt]) throws(SystemError) -> Place {
        let mount = try Mount(cloning: path)
        if let user { try mount.mapIDs(to: user.raw, path) }
        let place = Place(raw: mount.release())
        spent.append(place.raw)
        return place
    }

    /// `redirect_dir` and `metacopy` make the kernel believe extended attributes that a layer could bring along.
    private var options: [(key: String, value: String?)] {
        [("redirect_dir", "nofollow"), ("metacopy", "off"), ("index", "off")] + (isVolatile ? [("volatile", nil)] : [])
    }

    /// Lets changes be mounted again that were, or are, mounted volatile, as a restart does: overlayfs leaves a mark that forbids it,
    /// a file and two directories that it never looks at itself. Taking them away now spares their removal later, when somebody waits.
    package static func clearVolatileMark(in changes: String) throws(SystemError) {
        try Directory.removeAll("\(changes)/work/work/incompat")
    }
}
