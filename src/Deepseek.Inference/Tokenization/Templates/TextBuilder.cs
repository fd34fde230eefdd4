using System.Text;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Builds a string under the rendering's limits, checked before every piece.</summary>
internal sealed class TextBuilder(RenderContext context)
{
    private readonly StringBuilder _text = new();

    public int Length => _text.Length;

    public TextBuilder Append(string text) => Append(text.AsSpan());

    public TextBuilder Append(ReadOnlySpan<char> text)
    {
        Reserve(text.Length);
        _text.Append(text);
        return this;
    }

    public TextBuilder Append(char c, int count = 1)
    {
        Reserve(count);
        _text.Append(c, count);
        return this;
    }

    public override string ToString() => _text.ToString();

    private void Reserve(int count)
    {
        context.Reserve(count);
        if ((long)_text.Length + count > TemplateLimits.StringCharacters)
            throw context.Error($"a string would exceed the limit of {TemplateLimits.StringCharacters} characters.");
    }
}
