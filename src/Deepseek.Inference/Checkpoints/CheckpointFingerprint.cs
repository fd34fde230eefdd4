using System.Buffers.Binary;
using System.IO.Hashing;

namespace Deepseek.Inference.Checkpoints;

/// <summary>Tells checkpoints apart without reading all of them: configuration, headers, lengths, and samples spread over the data of every file.</summary>
/// <remarks>A checksum of hundreds of gigabytes would take minutes. Weights that were trained differ everywhere, so that samples meet the difference.</remarks>
internal static class CheckpointFingerprint
{
    private const int SamplesOfAFile = 64;
    private const int SampleBytes = 4096;

    /// <summary>The checksum of what tells the checkpoint from others.</summary>
    /// <exception cref="Diagnostics.CheckpointFormatException">A file has become shorter since it was opened, or the configuration is gone.</exception>
    public static UInt128 Of(CheckpointFolder checkpoint)
    {
        var checksum = new XxHash128();
        checksum.Append(checkpoint.ReadConfiguration().Span);
        var buffer = new byte[1 << 16];
        foreach (var file in checkpoint.OpenFiles)
        {
            BinaryPrimitives.WriteInt64LittleEndian(buffer, file.Length);
            checksum.Append(buffer.AsSpan(0, sizeof(long)));
            Append(file, 0, file.DataOffset, buffer, checksum);

            var data = file.Length - file.DataOffset;
            if (data <= SamplesOfAFile * SampleBytes)
            {
                Append(file, file.DataOffset, data, buffer, checksum);
                continue;
            }

            for (var sample = 0; sample < SamplesOfAFile; sample++)
                Append(file, file.DataOffset + (long)((UInt128)(data - SampleBytes) * (uint)sample / (SamplesOfAFile - 1)), SampleBytes, buffer, checksum);
        }

        return checksum.GetCurrentHashAsUInt128();
    }

    private static void Append(SafetensorsFile file, long first, long bytes, byte[] buffer, XxHash128 checksum)
    {
        for (var at = 0L; at < bytes; at += buffer.Length)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, bytes - at));
            file.ReadAt(first + at, piece);
            checksum.Append(piece);
        }
    }
}
