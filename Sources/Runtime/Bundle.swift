// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI

/// A directory with a `config.json` and mostly a root file system (bundle.md of the runtime spec).
struct Bundle {
    /// Absolute, without links.
    let path: String
    let spec: Spec
    /// `config.json` as it stands, for a copy.
    let config: [UInt8]

    /// Reads it and refuses what no runtime may act on, and what this one cannot do.
    /// - Parameter config: the file's name, if it has another; absolute or in the bundle.
    init(_ path: String, config name: String = "config.json") throws(RuntimeError) {
        do throws(SystemError) {
            guard let resolved = realpath(path, nil) else { throw SystemError(call: "realpath", subject: path, errno: errno) }
            self.path = String(cString: resolved)
            free(resolved)
            config = try File.read(Plan.absolute(name, self.path))
        } catch {
            throw .system(doing: "read the bundle's config.json", error)
        }
        let file = Plan.absolute(name, self.path)
        spec = try Spec(reading: config, of: file)
        do throws(SpecError) { try spec.validate() } catch { throw .invalid(file, error) }
        try spec.refuseUnsupported()
        do throws(LaunchError) { _ = try Sysctl.all(of: spec) } catch { throw .launch(error) }
    }

    var rootfs: String { Plan.absolute(spec.root?.path ?? "rootfs", path) }
}

extension Spec {
    /// Asked for and left out would be a lie.
    fileprivate func refuseUnsupported() throws(RuntimeError) {
        if linux?.netDevices?.isEmpty == false { throw .refused("linux.netDevices is not supported: move the interfaces by a hook") }
        if linux?.intelRdt != nil { throw .refused("linux.intelRdt is not supported") }
        if process == nil { throw .refused("config.json has no process, so there is nothing to create") }
    }

    /// Capabilities that this machine cannot grant (config.md, "Capabilities").
    var warnings: [String] {
        let sets = process?.capabilities
        let names = Set(
            (sets?.bounding ?? []) + (sets?.effective ?? []) + (sets?.permitted ?? []) + (sets?.inheritable ?? []) + (sets?.ambient ?? []))
        let available = ProcessCapabilities.available
        let missing = names.sorted().filter { CapabilitySet($0).map { !available.isSuperset(of: $0) } ?? true }
        let held = Set(sets?.permitted ?? []).intersection(sets?.inheritable ?? [])
        let lost = Set(sets?.ambient ?? []).subtracting(held).subtracting(missing)
        return missing.map { "\($0) cannot be granted here" }
            + lost.sorted().map { "can't raise ambient capability \($0): it is not both permitted and inheritable" }
    }

    /// The host's id of a user of the container; nil where that is decided by a namespace of somebody else's.
    func hostUser(_ user: UInt32) -> UInt32? {
        guard let namespace = linux?.namespaces?.first(where: { $0.type == .user }) else { return user }
        guard namespace.path?.isEmpty ?? true else { return nil }
        return IDMap(linux?.uidMappings ?? []).host(user)
    }
}
