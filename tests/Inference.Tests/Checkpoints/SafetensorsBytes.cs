using System.Buffers.Binary;
using System.Text;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests.Checkpoints;

/// <summary>Safetensors files put together by hand, sound and unsound.</summary>
internal static class SafetensorsBytes
{
    internal const string File = "weights.safetensors";

    internal static byte[] Create(string header, int dataBytes = 0)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        return file;
    }

    /// <summary>Parses as opening a file does, without one.</summary>
    internal static SafetensorsHeader Parse(byte[] file)
    {
        var length = SafetensorsHeaderParser.ReadLength(file.AsSpan(0, Math.Min(64, file.Length)), file.Length, File);
        return SafetensorsHeaderParser.Parse(file.AsSpan(8, length), file.Length, File);
    }

    internal static CheckpointFormatException Refused(byte[] file) => Assert.Throws<CheckpointFormatException>(() => Parse(file));
}
