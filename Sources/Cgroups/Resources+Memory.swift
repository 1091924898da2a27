// SPDX-License-Identifier: Apache-2.0
package import OCI

extension Spec.Resources.Memory {
    /// Limits of the memory controller. 0 means "not set", as runc and docker have it; a container whose memory is not limited any more may
    /// swap without limit too, unless it is told otherwise (after runc). Kernel memory limits are gone since Linux 5.16
    /// and never bound anything reliably, so they are passed over, as every runtime does.
    package func settings(_ version: Hierarchy.Version, limitInForce: UInt64? = nil) throws(CgroupError) -> [Setting] {
        let limit = try Self.bytes(limit, "memory limit")
        let reservation = try Self.bytes(reservation, "memory reservation")
        let swap = try Self.bytes(swap, "memory and swap limit")
        if let swap, swap > 0 {
            if let limit, limit > swap || limit < 0 {
                throw .invalid("memory and swap limit", "\(swap) is for both together, so it cannot be less than the memory limit")
            }
        }
        if let swappiness, swappiness > 100 { throw .invalid("memory swappiness", "\(swappiness) is not between 0 and 100") }
        switch version {
        case .v1: return legacy(limit, swap, reservation, limitInForce)
        case .v2: return try unified(limit, swap, reservation)
        }
    }

    /// The kernel keeps `memory.limit` ≤ `memory.memsw.limit` at every moment, so of the two the one that makes room goes first.
    private func legacy(_ limit: Int64?, _ swap: Int64?, _ reservation: Int64?, _ inForce: UInt64?) -> [Setting] {
        var settings: [Setting] = []
        if let limit { settings.append(Setting(.memory, .v1, "memory.limit_in_bytes", "\(limit)", proof: .pages)) }
        if swap == nil, limit == -1 { settings.insert(Setting(.memory, .v1, "memory.memsw.limit_in_bytes", "-1", isOptional: true), at: 0) }
        if let swap {
            let both = Setting(.memory, .v1, "memory.memsw.limit_in_bytes", "\(swap)", proof: .pages)
            if swap == -1 || UInt64(clamping: swap) > inForce ?? .max {
                settings.insert(both, at: 0)
            } else {
                settings.append(both)
            }
        }
        if let reservation { settings.append(Setting(.memory, .v1, "memory.soft_limit_in_bytes", "\(reservation)", proof: .pages)) }
        if let swappiness { settings.append(Setting(.memory, .v1, "memory.swappiness", "\(swappiness)")) }
        if let disableOOMKiller {
            settings.append(Setting(.memory, .v1, "memory.oom_control", disableOOMKiller ? "1" : "0", proof: .none))
        }
        return settings
    }

    /// Version 2 counts swap by itself: what OCI gives is memory and swap together.
    private func unified(_ limit: Int64?, _ swap: Int64?, _ reservation: Int64?) throws(CgroupError) -> [Setting] {
        if disableOOMKiller == true { throw .onlyIn(.v1, "running without the OOM killer") }
        if swappiness != nil { throw .onlyIn(.v1, "memory swappiness") }
        var settings: [Setting] = []
        if swap == nil, limit == -1 { settings.append(Setting(.memory, .v2, "memory.swap.max", "max", isOptional: true)) }
        if let swap {
            if swap > 0, limit == nil {
                throw .invalid(
                    "memory and swap limit", "cgroup v2 counts swap alone, so it takes the memory limit to tell how much that is")
            }
            let alone = swap < 0 ? nil : swap - (limit ?? 0)
            settings.append(Setting(.memory, .v2, "memory.swap.max", alone.map { "\($0)" } ?? "max", proof: .pages))
        }
        if let limit { settings.append(Setting(.memory, .v2, "memory.max", limit < 0 ? "max" : "\(limit)", proof: .pages)) }
        if let reservation {
            settings.append(Setting(.memory, .v2, "memory.low", reservation < 0 ? "max" : "\(reservation)", proof: .pages))
        }
        return settings
    }

    private static func bytes(_ value: Int64?, _ what: String) throws(CgroupError) -> Int64? {
        guard let value, value != 0 else { return nil }
        guard value >= -1 else { throw .invalid(what, "\(value) is neither a number of bytes nor -1") }
        return value
    }
}
