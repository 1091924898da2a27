// SPDX-License-Identifier: Apache-2.0
package import JSON

extension Output {
    /// A value as JSON, and the end of the line.
    package func write(json value: some JSONCoded, isPretty: Bool = false) throws {
        try write(String(decoding: JSONEncoder(pretty: isPretty).encode(value), as: UTF8.self) + "\n")
    }
}
