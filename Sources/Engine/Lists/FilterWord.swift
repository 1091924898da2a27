// SPDX-License-Identifier: Apache-2.0

/// One `--filter KEY=VALUE`, before anybody knows the key.
struct FilterWord {
    let key: String
    let value: String

    init(_ text: String) throws(EngineError) {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw .refused("the filter '\(text)' is not KEY=VALUE")
        }
        key = String(text[..<equals])
        value = String(text[text.index(after: equals)...])
    }
}
