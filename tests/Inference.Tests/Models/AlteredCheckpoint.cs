using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Configuration;

namespace Deepseek.Inference.Tests.Models;

/// <summary>A fixture's checkpoint with something changed, written as one file to a folder that goes with the test.</summary>
internal sealed class AlteredCheckpoint
{
    private readonly string _fixture;
    private readonly SortedDictionary<string, SafetensorsTensor> _tensors = new(StringComparer.Ordinal);

    public AlteredCheckpoint(string fixture)
    {
        _fixture = fixture;
        using var source = CheckpointFolder.Open(ConfigText.Folder(fixture));
        foreach (var (name, tensor) in source.Tensors)
            Set(name, tensor.Type, tensor.Shape, source.Bytes(tensor).ToArray());
    }

    public IEnumerable<string> Names => _tensors.Keys;

    public AlteredCheckpoint Set(string name, TensorType type, IReadOnlyList<long> shape, byte[]? data = null)
    {
        data ??= new byte[shape.Aggregate(1L, (a, b) => a * b) * type.Size()];
        _tensors[name] = new SafetensorsTensor(name, type, shape, data);
        return this;
    }

    /// <summary>Replaces a tensor by fp32 values of a function of its own.</summary>
    public AlteredCheckpoint Map(string name, Func<float, float> function)
    {
        var tensor = _tensors[name];
        var values = Array.ConvertAll(Floats(name), value => function(value));
        return Set(name, TensorType.F32, tensor.Shape, MemoryMarshal.AsBytes<float>(values).ToArray());
    }

    public AlteredCheckpoint Remove(Func<string, bool> which)
    {
        foreach (var name in _tensors.Keys.Where(which).ToList())
            _tensors.Remove(name);
        return this;
    }

    /// <summary>Writes the folder; changes of config.json are those of <see cref="ConfigText.With"/>.</summary>
    public TemporaryFolder Write(params (string Key, string? Value)[] changes) => Write(SafetensorsWriter.DefaultAlignment, changes);

    public TemporaryFolder Write(int alignment, params (string Key, string? Value)[] changes)
    {
        var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), ConfigText.With(_fixture, changes));
        SafetensorsWriter.Write(folder.File("model.safetensors"), [.. _tensors.Values], alignment: alignment);
        return folder;
    }

    private float[] Floats(string name)
    {
        using var source = CheckpointFolder.Open(ConfigText.Folder(_fixture));
        var tensor = source.Tensors[name];
        var bytes = source.Bytes(tensor);
        return tensor.Type switch
        {
            TensorType.F32 => MemoryMarshal.Cast<byte, float>(bytes).ToArray(),
            TensorType.BF16 => Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(bytes).ToArray(), bits => BitConverter.Int32BitsToSingle(bits << 16)),
            _ => throw new ArgumentException($"{name} is {tensor.Type}."),
        };
    }
}
