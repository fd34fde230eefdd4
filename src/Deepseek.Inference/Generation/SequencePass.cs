using Deepseek.Inference.Models;

namespace Deepseek.Inference.Generation;

/// <summary>What a pass of the model gave to several sequences.</summary>
internal readonly struct SequencePass
{
    private readonly float[] _logits; // [B, vocabulary]
    private readonly int _width;

    private SequencePass(float[] logits, int width) => (_logits, _width) = (logits, width);

    /// <summary>Runs tokens of sequences through the model together; the sequences count them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">The sequences, at least one, each with its tokens.</param>
    /// <param name="cancellationToken">Ends the pass; the sequences are then as before.</param>
    public static SequencePass Run(LanguageModel model, IReadOnlyList<(Sequence Sequence, ReadOnlyMemory<int> Ids)> inputs, CancellationToken cancellationToken)
    {
        using var logits = inputs.Count == 1
            ? model.Forward(inputs[0].Ids, inputs[0].Sequence.Cache, cancellationToken: cancellationToken) // in chunks, where it is long
            : model.Forward([.. inputs.Select(input => new SequenceInput(input.Ids, input.Sequence.Cache))], cancellationToken);
        foreach (var (sequence, ids) in inputs)
            sequence.Pass(ids.Length);
        var values = logits.CopyToHost<float>();
        return new SequencePass(values, values.Length / inputs.Count);
    }

    /// <summary>The logits after a sequence's last token, [vocabulary].</summary>
    public ReadOnlySpan<float> Logits(int row) => _logits.AsSpan(row * _width, _width);
}
