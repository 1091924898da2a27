// SPDX-License-Identifier: Apache-2.0

/// docker's commands that there is nothing for here: why, and what does it instead.
enum ForeignCommands {
    static func sentence(_ word: String) -> String? {
        switch word {
        case "build", "builder", "buildx": "images are not built here; 'buildah build' does it, and 'skopeo copy' brings what it makes"
        case "pull", "push", "login", "logout", "search":
            "images are not moved from and to registries yet; 'skopeo copy' does it, with the images folder as 'oci:'"
        case "save", "load": "images are not moved from and to archives; 'skopeo copy' does it, with the images folder as 'oci:'"
        case "history", "manifest", "trust":
            "there is no '\(word)'; 'minictl image inspect' shows what is known of an image, skopeo the rest"
        case "compose": "compose files are not read here; give each service its line of 'minictl run'"
        case "config", "node", "secret", "service", "stack", "swarm": "there is no '\(word)': this is no cluster, only this machine"
        case "checkpoint": "containers cannot be saved and gone on with; 'minictl pause' makes them stand still"
        case "context": "there is no daemon to choose: containers are this machine's, in the folder that --root names"
        case "plugin": "there are no plugins: networks, volumes and logs are minictl's own"
        default: nil
        }
    }
}
