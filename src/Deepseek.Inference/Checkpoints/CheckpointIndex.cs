using System.Text.Json;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Checkpoints;

/// <summary>The index of a checkpoint in several shards: which tensor lies in which file.</summary>
/// <param name="File">The index's path.</param>
/// <param name="Shards">Names of the shard files, in the order in which the index first names them.</param>
/// <param name="ShardOf">The shard of every tensor.</param>
internal sealed record CheckpointIndex(string File, IReadOnlyList<string> Shards, IReadOnlyDictionary<string, string> ShardOf)
{
    internal const string FileName = "model.safetensors.index.json";

    private const string Subject = "weight_map";
    private const string Extension = ".safetensors";
    private const int MaxNameLength = 255; // of file systems

    /// <summary>Reads an index from UTF-8.</summary>
    /// <exception cref="CheckpointFormatException">The text is no index, a tensor is named twice, or a shard's name leaves the folder.</exception>
    internal static CheckpointIndex Parse(ReadOnlySpan<byte> json, string file)
    {
        var reader = new StrictJson(json, file, "index");
        reader.Next();
        reader.Expect(JsonTokenType.StartObject, "index", $"an object with {Subject}");
        CheckpointIndex? index = null;
        for (reader.Next(); reader.Type != JsonTokenType.EndObject; reader.Next())
        {
            var key = reader.Text("index");
            reader.Next();
            if (key != Subject)
                reader.Skip();
            else if (index is null)
                index = ReadMap(ref reader, file);
            else
                throw reader.Fault(Subject, "It is stated twice; which one counts is unknown.");
        }

        reader.Read(); // anything after the object is a syntax fault
        return index ?? throw reader.Fault(Subject, "It is missing; an index maps every tensor to its shard.");
    }

    private static CheckpointIndex ReadMap(ref StrictJson reader, string file)
    {
        reader.Expect(JsonTokenType.StartObject, Subject, "an object of tensors and their shards");
        List<string> shards = [];
        Dictionary<string, string> known = new(StringComparer.Ordinal);
        Dictionary<string, string> shardOf = new(StringComparer.Ordinal);
        for (reader.Next(); reader.Type != JsonTokenType.EndObject; reader.Next())
        {
            var tensor = reader.Text(Subject);
            reader.Next();
            reader.Expect(JsonTokenType.String, tensor, "the name of a shard");
            var name = reader.Text(tensor);
            if (!known.TryGetValue(name, out var shard))
            {
                RequireFileName(ref reader, tensor, name);
                known.Add(name, shard = name);
                shards.Add(name);
            }

            if (!shardOf.TryAdd(tensor, shard))
                throw reader.Fault(tensor, $"{Subject} names the tensor twice; which shard counts is unknown.");
        }

        return new CheckpointIndex(file, shards, shardOf);
    }

    // An index must not lead out of its folder, on any system: both separators, drives, streams and ".." are refused everywhere.
    private static void RequireFileName(ref StrictJson reader, string tensor, string name)
    {
        var plain = name.Length is > 0 and <= MaxNameLength
            && name.EndsWith(Extension, StringComparison.Ordinal)
            && !name.AsSpan().ContainsAny("/\\:")
            && !name.Any(char.IsControl);
        if (!plain)
        {
            throw reader.Fault(tensor,
                $"{Subject} places the tensor in {UntrustedText.Quote(name)}; a shard must be a plain file name that ends in {Extension}, in the index's own folder.");
        }
    }
}
