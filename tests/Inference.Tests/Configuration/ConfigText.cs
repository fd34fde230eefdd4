using System.Text.Json.Nodes;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests.Configuration;

/// <summary>Configurations of the fixtures, with single keys changed.</summary>
internal static class ConfigText
{
    internal const string File = "config.json";

    /// <summary>Folders of all models that the repository carries.</summary>
    internal static IReadOnlyList<string> Folders { get; } =
        [TestPaths.Nano, .. Directory.GetFiles(TestPaths.Fixtures, File, SearchOption.AllDirectories).Select(path => Path.GetDirectoryName(path)!).Order(StringComparer.Ordinal)];

    internal static string Folder(string fixture) => Path.Combine(TestPaths.Fixtures, fixture);

    /// <summary>A fixture's text with values set; a value is JSON, and null removes the key. "a.b" is a key of a nested object.</summary>
    internal static string With(string fixture, params (string Key, string? Value)[] changes)
    {
        var root = JsonNode.Parse(System.IO.File.ReadAllText(Path.Combine(Folder(fixture), File)))!.AsObject();
        foreach (var (key, value) in changes)
        {
            var parts = key.Split('.');
            var target = parts[..^1].Aggregate(root, (node, part) => node[part]!.AsObject());
            target.Remove(parts[^1]);
            if (value is not null)
                target[parts[^1]] = JsonNode.Parse(value);
        }

        return root.ToJsonString();
    }

    internal static ModelConfig Parse(string fixture, params (string Key, string? Value)[] changes) => ModelConfig.Parse(With(fixture, changes), File);

    internal static CheckpointFormatException Refused(string fixture, params (string Key, string? Value)[] changes) =>
        Assert.Throws<CheckpointFormatException>(() => Parse(fixture, changes));
}
