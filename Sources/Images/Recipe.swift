// SPDX-License-Identifier: Apache-2.0
package import JSON
package import OCI

/// What to put into an image from this machine's own files. A name that ends with `?` is left out where the machine lacks it.
package struct Recipe: Equatable, Sendable {
    /// Programs by name or path, with everything they need to run: libraries, loader, interpreters.
    package var commands: [String]?
    /// Shared libraries by name that programs load only when they run.
    package var libraries: [String]?
    /// Terminal types whose descriptions are wanted.
    package var terminals: [String]?
    /// Files, and directories with all they hold.
    package var files: [String]?
    /// Directories to make, by path, with their modes in octal.
    package var directories: [String: String]?
    /// Symbolic links to make, by path, with their targets.
    package var links: [String: String]?
    /// Files to make, by path, with their lines.
    package var texts: [String: [String]]?
    /// How containers of the image run.
    package var config: ImageConfig.Config?

    package init(commands: [String], files: [String] = []) {
        self.commands = commands
        self.files = files
        directories = ["/dev": "0755", "/etc": "0755", "/proc": "0755", "/root": "0700", "/sys": "0755", "/tmp": "1777"]
        config = ImageConfig.Config(cmd: commands.first.map { [$0] })
    }

    package init(json: [UInt8]) throws(ImageError) {
        let words: [String]
        do throws(JSONError) {
            let document = try JSONDocument(json)
            self = try JSONDecoder().decode(Recipe.self, from: document.root)
            words = try JSONValue(document.root).object?.members.map(\.name) ?? []
        } catch {
            throw .invalid("recipe", why: error.description)
        }
        let known = ["commands", "libraries", "terminals", "files", "directories", "links", "texts", "config"]
        if let word = words.first(where: { !known.contains($0) }) {
            throw .invalid("recipe", why: "has \(quoted(word)), which means nothing; it may have \(known.joined(separator: ", "))")
        }
    }
}

extension Recipe: JSONRecord {
    package init(_: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("commands", &commands)
        try json("libraries", &libraries)
        try json("terminals", &terminals)
        try json("files", &files)
        try json("directories", &directories)
        try json("links", &links)
        try json("texts", &texts)
        try json("config", &config)
    }
}

/// A name in a recipe, and whether the machine may lack it.
struct Ingredient {
    let name: String
    let isOptional: Bool

    init(_ text: String) {
        isOptional = text.hasSuffix("?")
        name = isOptional ? String(text.dropLast()) : text
    }
}
