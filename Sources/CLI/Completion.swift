// SPDX-License-Identifier: Apache-2.0

/// What a shell may offer where a placeholder stands.
enum Completion: Equatable {
    case nothing, files, directories, containers, images, networks, volumes
    case words([String])

    /// Reads `FILE`, `CONTAINER [CONTAINER...]`, or fixed words as in `always|missing|never`.
    init(placeholder text: String) {
        let first = text.split { $0 == " " || $0 == "[" || $0 == "]" || $0 == ":" }.first ?? ""
        switch first {
        case "FILE", "PATH": self = .files
        case "DIR", "BUNDLE": self = .directories
        case "CONTAINER": self = .containers
        case "IMAGE": self = .images
        case "NETWORK": self = .networks
        case "VOLUME": self = .volumes
        default:
            let words = first.split(separator: "|").map { String($0) }
            let areFixed = words.count > 1 && words.allSatisfy { $0.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D } }
            self = areFixed ? .words(words) : .nothing
        }
    }
}
