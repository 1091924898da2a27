// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Glibc
import Linux
import OCI

/// Environment variables as `-e` and `--env-file` give them.
enum Environment {
    /// `NAME=VALUE`; a name alone takes the caller's value. If the caller has none it stays alone, which takes the variable away.
    static func entry(_ text: String) throws(UsageError) -> String {
        let name = text.utf8.prefix { $0 != UInt8(ascii: "=") }
        guard !name.isEmpty, !text.utf8.contains(0) else { throw UsageError("'\(text)' has no variable's name") }
        if name.count < text.utf8.count { return text }
        guard let value = getenv(text) else { return text }
        guard let value = String(validatingCString: value) else { throw UsageError("the value of '\(text)' is not UTF-8") }
        return "\(text)=\(value)"
    }

    /// One entry a line. There, as with docker, a name that the caller has no value for is passed over.
    static func file(_ path: String) throws(UsageError) -> [String] {
        var entries: [String] = []
        for entry in try OptionFile.lines(path) {
            guard !entry.prefix(while: { $0 != "=" }).contains(" ") else {
                throw UsageError("'\(path)': the variable name in '\(entry)' has a space in it")
            }
            let entry = try self.entry(entry)
            if entry.utf8.contains(UInt8(ascii: "=")) { entries.append(entry) }
        }
        return entries
    }
}

extension ContainerName {
    /// - Parameter kind: of what it is the name.
    init(word text: String, of kind: StaticString = "container") throws(UsageError) {
        guard let name = ContainerName(text) else {
            throw UsageError("'\(text)' is no \(kind) name: letters, digits, _ . and -, the first a letter or digit, at most 128")
        }
        self = name
    }
}

/// A host name: labels of letters, digits and hyphens, at most 64 bytes in all (`sethostname(2)`).
struct HostName {
    let text: String

    init(_ text: String) throws(UsageError) {
        guard !text.isEmpty, text.utf8.count <= 64, text.utf8.first != UInt8(ascii: "-"),
            text.utf8.allSatisfy({ byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            })
        else { throw UsageError("'\(text)' is no host name of at most 64 letters, digits, hyphens and dots") }
        self.text = text
    }
}

extension Signal {
    /// By name or number.
    init(word text: String) throws(UsageError) {
        guard let signal = Signal(text) else { throw UsageError("'\(text)' is no signal") }
        self = signal
    }
}

extension Platform {
    init(word text: String) throws(UsageError) {
        guard let platform = Platform(text) else { throw UsageError("'\(text)' is no platform, such as \(Platform.current)") }
        self = platform
    }

    /// Of images that are kept here there is one platform only.
    static func check(_ text: String) throws(UsageError) {
        guard try Platform(word: text).accepts(.current) else {
            throw UsageError("images here are for this machine, which runs \(Platform.current), not for '\(text)'")
        }
    }
}

extension Record.Log {
    /// `max-size=10m` and `max-file=3`, separated by commas or given one by one.
    mutating func set(_ text: String) throws(UsageError) {
        for part in text.split(separator: ",") {
            let pair = try KeyValue(String(part), requiresValue: true)
            switch pair.key {
            case "max-size": maxSize = try ByteSize(pair.value ?? "", allowingUnlimited: true).bytes
            case "max-file": maxFiles = Int(try Int32(word: pair.value ?? "", in: 1...1000))
            default: throw UsageError("unknown log option '\(pair.key)', known are max-size and max-file")
            }
        }
    }
}

extension DeviceRequest {
    /// `/dev/x`, `/dev/x:/dev/y`, `/dev/x:/dev/y:r`, `/dev/x:rw`.
    init(word text: String) throws(UsageError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let host = parts.first, host.isAbsolutePath, parts.count <= 3 else {
            throw UsageError("'\(text)' is not DEVICE[:PATH[:rwm]]")
        }
        var container = host
        var access = "rwm"
        for part in parts.dropFirst() {
            if part.isAbsolutePath { container = part } else { access = part }
        }
        guard !access.isEmpty, access.allSatisfy({ "rwm".contains($0) }) else { throw UsageError("'\(access)' is not made of r, w and m") }
        self.init(host: host, container: container, access: access)
    }
}

extension Spec.Resources.DeviceRule {
    /// `TYPE MAJOR:MINOR ACCESS`, `c 42:* rmw`.
    init(word text: String) throws(UsageError) {
        let malformed = UsageError("'\(text)' is not TYPE MAJOR:MINOR ACCESS, for example 'c 42:* rmw'")
        let parts = text.split(separator: " ")
        guard parts.count == 3 else { throw malformed }
        let numbers = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        guard numbers.count == 2, let kind = Kind(rawValue: String(parts[0])), parts[2].allSatisfy({ "rwm".contains($0) }) else {
            throw malformed
        }
        func number(_ word: Substring) throws(UsageError) -> Int64? {
            if word == "*" { return nil }
            guard let number = UInt32(word) else { throw malformed }
            return Int64(number)
        }
        self.init(allow: true, type: kind, major: try number(numbers[0]), minor: try number(numbers[1]), access: String(parts[2]))
    }
}
