// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
package import OCI

extension Cgroup {
    /// How much a limit matters to whoever set it.
    package enum Demand: Sendable {
        /// A default: left out where the controller, the file or the right is missing.
        case wanted
        /// Asked for: anything in the way is an error, and what the kernel kept is read back.
        case needed
    }

    /// Writes the limits, all but the device rules. Limits already in force stay where the new ones say nothing.
    package func apply(_ resources: Spec.Resources, as demand: Demand) throws(CgroupError) {
        try apply(settings(of: resources), as: demand)
    }

    func settings(of resources: Spec.Resources) throws(CgroupError) -> [Setting] {
        var inForce: UInt64?
        if let memory = resources.memory, memory.limit != nil, memory.swap != nil, let directory = paths.legacy(.memory) {
            inForce = try Self.call { () throws(SystemError) in
                CgroupFile.number(try File.readKernel(directory + "/memory.limit_in_bytes"))
            }
        }
        let version = { (controller: Controller) in paths.place(of: controller)?.version ?? fallbackVersion }
        return try resources.settings(memoryLimit: inForce, version)
    }

    /// Where no hierarchy carries a controller, the words of the one that is there make the better error.
    private var fallbackVersion: Hierarchy.Version { paths.entries.contains { $0.version == .v1 } ? .v1 : .v2 }

    package func apply(_ settings: [Setting], as demand: Demand) throws(CgroupError) {
        for setting in settings {
            do throws(CgroupError) {
                try apply(setting, proving: demand == .needed)
            } catch  where demand == .wanted && error.isMissingMeans {}
        }
    }

    private func apply(_ setting: Setting, proving: Bool) throws(CgroupError) {
        guard let (directory, version) = paths.place(of: setting.controller), version == setting.version else {
            throw .controllerMissing(setting.controller)
        }
        var (file, text) = (directory + "/" + setting.file, setting.text)
        var kept: String?
        do throws(SystemError) {
            do throws(SystemError) {
                try File.writeKernel(file, text)
            } catch {
                guard error.errno == ENOENT, let fallback = setting.fallback else { throw error }
                (file, text) = (directory + "/" + fallback.file, fallback.text)
                try File.writeKernel(file, text)
            }
            if proving, setting.proof != .none { kept = try File.readKernel(file) }
        } catch {
            if error.errno == ENOENT, setting.isOptional { return }
            throw refusal(error, of: setting, file, text)
        }
        if let kept, !setting.proof.accepts(kept, for: text) { throw .notKept(file, text, kept) }
    }

    private func refusal(_ error: SystemError, of setting: Setting, _ file: String, _ text: String) -> CgroupError {
        switch error.errno {
        case EACCES, EPERM, EROFS: return .noPermission(error)
        case ENOENT:
            guard setting.version == .v2, let directory = paths.unified,
                let here = try? File.readKernel(directory + "/cgroup.controllers"),
                !ControllerSet(unified: here).contains(setting.controller)
            else { return .unsupported(file) }
            return .notDelegated(setting.controller, directory)
        default: return .refused(file, text, error.errno)
        }
    }
}

extension Cgroup {
    /// Puts the device rules in force: through the devices controller of version 1, else as an eBPF program of version 2 (Linux 4.15),
    /// which needs CAP_BPF or CAP_SYS_ADMIN. Repeating it replaces the rules: on version 2 at once, while version 1 takes them
    /// one by one after everything was forbidden.
    package func restrict(to rules: DeviceRules, as demand: Demand) throws(CgroupError) {
        do throws(CgroupError) {
            if paths.legacy(.devices) != nil {
                try restrictLegacy(to: rules)
            } else if let directory = paths.unified {
                try Self.call { () throws(SystemError) in
                    let filter = try DeviceFilter(loading: DeviceProgram(rules).instructions)
                    try filter.attach(to: FileDescriptor(opening: directory, [.directory]))
                }
            } else {
                throw .controllerMissing(.devices)
            }
        } catch  where demand == .wanted && error.isMissingMeans {}
    }

    private func restrictLegacy(to rules: DeviceRules) throws(CgroupError) {
        guard let directory = paths.legacy(.devices) else { throw .controllerMissing(.devices) }
        let settings = try rules.legacySettings()
        // The default goes to one file, what differs from it to the other: one rule for each write, but one descriptor for each file.
        for same in [settings.prefix(1), settings.dropFirst()] {
            guard let first = same.first else { continue }
            let file = directory + "/" + first.file
            var text = first.text
            do throws(SystemError) {
                let open = try FileDescriptor(opening: file, [.writeOnly, .noFollow])
                for setting in same {
                    text = setting.text
                    do throws(SystemError) { try open.write(text) } catch {
                        // "Allow all" is refused where the parent allows less. A new cgroup has what its parent has, so nothing is lost.
                        guard first.file == "devices.allow", text == "a" else { throw error }
                    }
                }
            } catch {
                throw refusal(error, of: first, file, text)
            }
        }
    }
}
