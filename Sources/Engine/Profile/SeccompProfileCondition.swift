// SPDX-License-Identifier: Apache-2.0
import JSON
import Linux
import OCI

/// A kernel's version as far as features depend on it.
package struct KernelVersion: Comparable, Sendable {
    package let major: Int
    package let minor: Int

    package init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `6.12.9-amd64` and `4.8`; nil without two numbers at the start.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", maxSplits: 2)
        guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1].prefix { $0.isASCII && $0.isNumber }) else {
            return nil
        }
        self.init(major, minor)
    }

    /// The running kernel, from `uname(2)`; 0.0 if it has a name that is no number.
    package static var running: KernelVersion {
        KernelVersion(Machine.kernelRelease) ?? KernelVersion(0, 0)
    }

    package static func < (left: KernelVersion, right: KernelVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

/// `includes` or `excludes` of a rule.
struct SeccompProfileCondition {
    private let capabilities: [String]
    private let architectures: [String]
    private let minimum: KernelVersion?

    init(_ node: JSONNode?) throws(JSONError) {
        guard let node, !node.isNull else {
            (capabilities, architectures, minimum) = ([], [], nil)
            return
        }
        try node.requireOnly(["caps", "arches", "minKernel"])
        capabilities = try node.optional("caps") ?? []
        architectures = try node.optional("arches") ?? []
        guard let text: String = try node.optional("minKernel"), !text.isEmpty else {
            minimum = nil
            return
        }
        guard let version = KernelVersion(text) else {
            throw .mismatch(path: node["minKernel"]?.path ?? node.path, reason: "expected a kernel version such as 4.8")
        }
        minimum = version
    }

    /// As `includes` means it: everything it names is there.
    func allHold(_ held: [String], _ native: Spec.Seccomp.Architecture, _ kernel: KernelVersion) -> Bool {
        capabilities.allSatisfy(held.contains) && (architectures.isEmpty || architectures.contains(native.goName))
            && (minimum.map { kernel >= $0 } ?? true)
    }

    /// As `excludes` means it: one thing it names is there.
    func oneHolds(_ held: [String], _ native: Spec.Seccomp.Architecture, _ kernel: KernelVersion) -> Bool {
        capabilities.contains(where: held.contains) || architectures.contains(native.goName)
            || (minimum.map { kernel >= $0 } ?? false)
    }
}

extension Spec.Seccomp.Architecture {
    /// The word profiles use in `arches`: Go's for the architecture, else libseccomp's.
    fileprivate var goName: String {
        switch self {
        case .x8664: "amd64"
        case .aarch64: "arm64"
        default: rawValue.dropFirst("SCMP_ARCH_".utf8.count).lowercased()
        }
    }
}
