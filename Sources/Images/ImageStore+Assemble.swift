// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
package import OCI

extension ImageStore {
    /// The label that remembers which recipe an image was made from.
    private static var recipeLabel: String { "minictl.recipe" }

    /// Makes an image from this machine's own files.
    package func assemble(
        _ reference: Reference, _ recipe: Recipe, progress: (String) -> Void = { _ in }
    ) throws(ImageError) -> Image {
        try assemble(reference, recipe, labels: [:], progress: progress)
    }

    /// Finds an image like `image(named:)`; the one named `base` is made from its recipe first, if it is missing or the recipe changed.
    package func imageOrBase(named name: String, progress: (String) -> Void = { _ in }) throws(ImageError) -> Image {
        guard name == "base" || name == "base:latest" else { return try image(named: name) }
        let found = try baseImage()
        // A `base` without the label is somebody's own.
        if let found, found.config.config?.labels?[Self.recipeLabel] == nil { return found }
        let text = try baseRecipe()
        // Read at every run, and nobody's but its owner's: whether it changed is all that is asked.
        let mark = text.withUnsafeBytes { String(UInt64(fnv1a: $0), radix: 16) }
        if let found, found.config.config?.labels?[Self.recipeLabel] == mark { return found }
        let reference: Reference
        do throws(ReferenceError) {
            reference = try Reference(name)
        } catch {
            throw .invalid("image name", why: error.description)
        }
        return try assemble(reference, Recipe(json: text), labels: [Self.recipeLabel: mark], progress: progress)
    }

    private func baseImage() throws(ImageError) -> Image? {
        do throws(ImageError) {
            return try image(named: "base")
        } catch .notFound {
            return nil
        }
    }

    /// The text of `base.json`, which is put there for its owner to edit.
    private func baseRecipe() throws(ImageError) -> [UInt8] {
        try attempt { () throws(SystemError) in
            do throws(SystemError) {
                return try File.read("base.json", at: directory.place)
            } catch  where error.errno == ENOENT {
                let text = Array(baseRecipeText.utf8)
                try File.replace("base.json", at: directory.place, with: text, mode: 0o644)
                return text
            }
        }
    }

    private func assemble(
        _ reference: Reference, _ recipe: Recipe, labels: [String: String], progress: (String) -> Void
    ) throws(ImageError) -> Image {
        let files = try HostFiles(recipe).files
        let archive = TreeArchive(files)
        progress("assembling \(reference.layoutName): \(files.count) files, \(archive.size / 1_000_000) MB")
        var config = recipe.config ?? ImageConfig.Config()
        if !labels.isEmpty { config.labels = (config.labels ?? [:]).merging(labels) { $1 } }
        return try add(archive, as: reference, config: config, comment: "assembled from this machine's files", progress: progress)
    }
}
