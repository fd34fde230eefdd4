using System.Text.Json;
using System.Text.Json.Nodes;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Tests.Store;

/// <summary>Manifests changed and sealed again, as somebody would who means harm.</summary>
internal static class ManifestEdit
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>A manifest's bytes without the seal: what the seal is computed from.</summary>
    public static byte[] Unsealed(byte[] manifest)
    {
        var seal = manifest.AsSpan().LastIndexOf(",\n  \"seal\": \""u8);
        Assert.True(seal > 0, "The manifest has no seal.");
        return [.. manifest.AsSpan(0, seal), .. "\n}\n"u8];
    }

    /// <summary>Changes a manifest's JSON and seals it.</summary>
    public static byte[] Change(byte[] manifest, Action<JsonObject> change)
    {
        var root = JsonNode.Parse(Unsealed(manifest))!.AsObject();
        change(root);
        return StoreSeal.Seal(JsonSerializer.SerializeToUtf8Bytes(root, Indented));
    }

    /// <summary>Changes a value and seals: <c>"shards/0/length"</c> becomes what JSON says, or goes where that is null.</summary>
    public static byte[] Set(byte[] manifest, string path, string? json) => Change(manifest, root => Set(root, path, json));

    public static void Set(JsonObject root, string path, string? json)
    {
        var parts = path.Split('/');
        JsonNode node = root;
        foreach (var part in parts[..^1])
            node = node is JsonArray array ? array[Index(part)]! : node[part]!;
        var value = json is null ? null : JsonNode.Parse(json);
        if (node is JsonArray items)
        {
            items[Index(parts[^1])] = value;
        }
        else if (json is null)
        {
            Assert.True(node.AsObject().Remove(parts[^1]), $"There is no {path}.");
        }
        else
        {
            node[parts[^1]] = value;
        }
    }

    private static int Index(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
