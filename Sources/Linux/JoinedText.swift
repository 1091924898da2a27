// SPDX-License-Identifier: Apache-2.0

// In place of the library's own, which are generic: at the first use the runtime looks through all conformances of the program for them,
// which is a tenth of a millisecond of each start. For the same reason these are two and not one.

extension [String] {
    package func joined(separator: String = "") -> String {
        var text = ""
        for index in indices {
            if index > 0 { text += separator }
            text += self[index]
        }
        return text
    }
}

extension [Substring] {
    package func joined(separator: String = "") -> String {
        var text = ""
        for index in indices {
            if index > 0 { text += separator }
            text.append(contentsOf: self[index])
        }
        return text
    }
}
