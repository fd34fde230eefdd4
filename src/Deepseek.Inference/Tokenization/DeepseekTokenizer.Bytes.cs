namespace Deepseek.Inference.Tokenization;

public sealed partial class DeepseekTokenizer
{
    /// <summary>The bytes that a token decodes to: UTF-8, though one token may hold a part of a character alone.</summary>
    /// <param name="id">The id.</param>
    /// <returns>The bytes; empty where no token has the id.</returns>
    public ReadOnlyMemory<byte> TokenBytes(int id) => (uint)id < (uint)_bytes.Length ? _bytes[id] : default(ReadOnlyMemory<byte>);
}
