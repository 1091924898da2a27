// SPDX-License-Identifier: Apache-2.0

/// What a manifest's programs run on, in Go's words (`amd64`, `linux`).
package struct Platform: Equatable, Sendable {
    package var architecture: String
    package var os: String
    package var osVersion: String?
    package var osFeatures: [String]?
    package var variant: String?

    package init(architecture: String, os: String, osVersion: String? = nil, osFeatures: [String]? = nil, variant: String? = nil) {
        self.architecture = architecture
        self.os = os
        self.osVersion = osVersion
        self.osFeatures = osFeatures
        self.variant = variant
    }

    /// What runs on this machine.
    package static var current: Platform {
        #if arch(x86_64)
        Platform(architecture: "amd64", os: "linux")
        #elseif arch(arm64)
        Platform(architecture: "arm64", os: "linux")
        #elseif arch(riscv64)
        Platform(architecture: "riscv64", os: "linux")
        #elseif arch(powerpc64le)
        Platform(architecture: "ppc64le", os: "linux")
        #elseif arch(s390x)
        Platform(architecture: "s390x", os: "linux")
        #endif
    }
}

// MARK: as people write it

extension Platform: CustomStringConvertible {
    /// `linux/amd64`, `linux/arm/v7`, or one word where the other goes without saying: `linux`, `arm64`. Nil for anything else.
    package init?(_ text: String) {
        let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), !parts.contains("") else { return nil }
        if parts.count == 1 {
            if Self.systems.contains(parts[0]) {
                self.init(architecture: Self.current.architecture, os: parts[0])
            } else {
                guard let (architecture, variant) = Self.known(parts[0]) else { return nil }
                self.init(architecture: architecture, os: "linux", variant: variant)
            }
        } else {
            let (architecture, variant) = Self.known(parts[1]) ?? (parts[1], nil)
            self.init(architecture: architecture, os: parts[0], variant: parts.count > 2 ? parts[2] : variant)
        }
    }

    package var description: String { ["\(os)/\(architecture)", plainVariant].compactMap { $0 }.joined(separator: "/") }

    /// Whether programs for the other one are what is meant here.
    package func accepts(_ other: Platform) -> Bool {
        os == other.os && architecture == other.architecture && (plainVariant == nil || plainVariant == other.plainVariant)
    }

    /// Nil for the one that goes without saying.
    private var plainVariant: String? {
        switch (architecture, variant) {
        case (_, ""), ("amd64", "v1"), ("arm64", "v8"): nil
        default: variant
        }
    }

    private static var systems: [String] { ["linux", "windows", "darwin", "freebsd"] }

    /// Go's word for an architecture that is known, by that or by the word that others have for it.
    private static func known(_ word: String) -> (String, String?)? {
        switch word {
        case "x86_64", "x86-64": ("amd64", nil)
        case "aarch64": ("arm64", nil)
        case "i386", "i686": ("386", nil)
        case "armhf": ("arm", "v7")
        case "armel": ("arm", "v6")
        case "386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x": (word, nil)
        default: nil
        }
    }
}
