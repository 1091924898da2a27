// SPDX-License-Identifier: Apache-2.0
package import OCI

extension Spec.Resources.BlockIO {
    /// Limits of the block I/O controller. A weight works only under the BFQ scheduler or, on version 2, io.cost.
    package func settings(_ version: Hierarchy.Version) throws(CgroupError) -> [Setting] {
        var settings: [Setting] = []
        if let weight, weight != 0 { settings.append(try Self.weight(weight, version)) }
        if let leafWeight, leafWeight != 0 {
            guard version == .v1 else { throw .onlyIn(.v1, "the block I/O leaf weight") }
            settings.append(Setting(.io, .v1, "blkio.leaf_weight", "\(leafWeight)"))
        }
        for device in weightDevice ?? [] { try settings += device.settings(version) }
        let limits: [([Spec.Resources.ThrottleDevice]?, StaticString, StaticString)] = [
            (throttleReadBpsDevice, "blkio.throttle.read_bps_device", "rbps"),
            (throttleWriteBpsDevice, "blkio.throttle.write_bps_device", "wbps"),
            (throttleReadIOPSDevice, "blkio.throttle.read_iops_device", "riops"),
            (throttleWriteIOPSDevice, "blkio.throttle.write_iops_device", "wiops"),
        ]
        for (devices, file, word) in limits {
            for device in devices ?? [] { settings.append(try device.setting(version, file, word)) }
        }
        return settings
    }

    /// BFQ takes OCI's 10 to 1000 as they are. io.cost has 1 to 10000: the line through both ends.
    private static func weight(_ weight: UInt16, _ version: Hierarchy.Version) throws(CgroupError) -> Setting {
        try check(weight)
        switch version {
        case .v1:
            return Setting(
                .io, .v1, "blkio.bfq.weight", "\(weight)", proof: .none, fallback: .init(file: "blkio.weight", text: "\(weight)"))
        case .v2:
            let fallback = Setting.Fallback(file: "io.weight", text: "default \(1 + (Int(weight) - 10) * 9999 / 990)")
            return Setting(.io, .v2, "io.bfq.weight", "default \(weight)", proof: .none, fallback: fallback)
        }
    }

    fileprivate static func check(_ weight: UInt16) throws(CgroupError) {
        guard (10...1000).contains(weight) else { throw .invalid("block I/O weight", "\(weight) is not between 10 and 1000") }
    }
}

extension Spec.Resources.WeightDevice {
    fileprivate func settings(_ version: Hierarchy.Version) throws(CgroupError) -> [Setting] {
        let device = try deviceNumber(major, minor)
        var settings: [Setting] = []
        if let weight, weight != 0 {
            try Spec.Resources.BlockIO.check(weight)
            let text = "\(device) \(weight)"
            switch version {
            case .v1:
                let fallback = Setting.Fallback(file: "blkio.weight_device", text: text)
                settings.append(Setting(.io, .v1, "blkio.bfq.weight_device", text, proof: .none, fallback: fallback))
            case .v2:
                let fallback = Setting.Fallback(file: "io.weight", text: "\(device) \(1 + (Int(weight) - 10) * 9999 / 990)")
                settings.append(Setting(.io, .v2, "io.bfq.weight", text, proof: .none, fallback: fallback))
            }
        }
        if let leafWeight, leafWeight != 0 {
            guard version == .v1 else { throw .onlyIn(.v1, "the block I/O leaf weight") }
            settings.append(Setting(.io, .v1, "blkio.leaf_weight_device", "\(device) \(leafWeight)", proof: .none))
        }
        return settings
    }
}

extension Spec.Resources.ThrottleDevice {
    /// A rate of 0 takes the limit away.
    fileprivate func setting(_ version: Hierarchy.Version, _ file: StaticString, _ word: StaticString) throws(CgroupError) -> Setting {
        let device = try deviceNumber(major, minor)
        let proof: Setting.Proof = rate == 0 ? .none : .line
        return switch version {
        case .v1: Setting(.io, .v1, "\(file)", "\(device) \(rate)", proof: proof)
        case .v2: Setting(.io, .v2, "io.max", "\(device) \(word)=\(rate == 0 ? "max" : "\(rate)")", proof: proof)
        }
    }
}

/// `major:minor`; the kernel has 12 and 20 bits for them.
private func deviceNumber(_ major: Int64, _ minor: Int64) throws(CgroupError) -> String {
    guard (0..<1 << 12).contains(major), (0..<1 << 20).contains(minor) else {
        throw .invalid("block I/O limit", "\(major):\(minor) is not the number of a device")
    }
    return "\(major):\(minor)"
}
