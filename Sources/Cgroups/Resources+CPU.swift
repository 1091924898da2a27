// SPDX-License-Identifier: Apache-2.0
import Glibc
package import OCI

extension Spec.Resources.CPU {
    /// Limits of the cpu controller.
    package func settings(_ version: Hierarchy.Version) throws(CgroupError) -> [Setting] {
        if let idle, idle != 0, idle != 1 { throw .invalid("cpu idle", "\(idle) is neither 0 nor 1") }
        return switch version {
        case .v1: legacy
        case .v2: try unified()
        }
    }

    /// The period goes before the quota, which is checked against it, and burst after both.
    private var legacy: [Setting] {
        var settings: [Setting] = []
        if let shares = clampedShares { settings.append(Setting(.cpu, .v1, "cpu.shares", "\(shares)")) }
        if let period = realtimePeriod, period > 0 { settings.append(Setting(.cpu, .v1, "cpu.rt_period_us", "\(period)")) }
        if let runtime = realtimeRuntime, runtime != 0 { settings.append(Setting(.cpu, .v1, "cpu.rt_runtime_us", "\(runtime)")) }
        if let period, period > 0 { settings.append(Setting(.cpu, .v1, "cpu.cfs_period_us", "\(period)")) }
        if let quota, quota != 0 { settings.append(Setting(.cpu, .v1, "cpu.cfs_quota_us", quota < 0 ? "-1" : "\(quota)")) }
        if let burst { settings.append(Setting(.cpu, .v1, "cpu.cfs_burst_us", "\(burst)")) }
        return placeIdle(in: settings, .v1)
    }

    private func unified() throws(CgroupError) -> [Setting] {
        if realtimePeriod ?? 0 != 0 || realtimeRuntime ?? 0 != 0 { throw .onlyIn(.v1, "real-time CPU limits") }
        var settings: [Setting] = []
        if let shares = clampedShares { settings.append(Setting(.cpu, .v2, "cpu.weight", "\(Self.weight(shares: shares))")) }
        let (quota, period) = (quota ?? 0, period ?? 0)
        if quota != 0 || period != 0 {
            let text = (quota > 0 ? "\(quota)" : "max") + " \(period == 0 ? 100_000 : period)"
            settings.append(Setting(.cpu, .v2, "cpu.max", text, proof: .words))
        }
        if let burst { settings.append(Setting(.cpu, .v2, "cpu.max.burst", "\(burst)")) }
        return placeIdle(in: settings, .v2)
    }

    /// An idle cgroup refuses a weight: leaving comes first, going last.
    private func placeIdle(in settings: [Setting], _ version: Hierarchy.Version) -> [Setting] {
        guard let idle else { return settings }
        let setting = Setting(.cpu, version, "cpu.idle", "\(idle)")
        return idle == 0 ? [setting] + settings : settings + [setting]
    }

    /// What the kernel makes of out-of-range shares, and docker says so; 0 is "not set".
    private var clampedShares: UInt64? {
        guard let shares, shares > 0 else { return nil }
        return min(max(shares, 2), 262_144)
    }

    /// Shares (2 to 262144, default 1024) as a weight (1 to 10000, default 100): the curve that runc 1.3.2 and crun 1.23 agreed on,
    /// a quadratic in log₂ through the ends and the two defaults.
    ///
    /// The older line, 1 + (shares − 2) × 9999 / 262142, made 39 of 1024: a container with the default weighed less than half of
    /// a neighbour that had set nothing, and below 28 shares all were 1.
    package static func weight(shares: UInt64) -> UInt64 {
        if shares <= 2 { return 1 }
        if shares >= 262_144 { return 10_000 }
        let exponent = log2(Double(shares))
        let weight = pow(10, (exponent * exponent + 125 * exponent) / 612 - 7.0 / 34)
        // Floating point may land a hair above a whole number.
        return min(UInt64((weight - 1e-9).rounded(.up)), 10_000)
    }

    /// CPUs and memory nodes to run on, checked here because the kernel's own answer to a typing error is "Invalid argument".
    package func cpuset(_ version: Hierarchy.Version) throws(CgroupError) -> [Setting] {
        var settings: [Setting] = []
        for (text, file, what) in [(cpus, "cpuset.cpus", "cpuset cpus"), (mems, "cpuset.mems", "cpuset mems")] {
            guard let text, !text.isEmpty else { continue }
            do throws(IndexList.Invalid) {
                settings.append(Setting(.cpuset, version, file, try IndexList(text).description, proof: .list))
            } catch {
                throw .invalid(what, error.description)
            }
        }
        return settings
    }
}
