using System.Runtime.CompilerServices;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>A cursor over tokens, and the count of how deep the parser has gone.</summary>
internal sealed class TokenReader(IReadOnlyList<Token> tokens, string? file)
{
    private int _position;
    private int _depth;

    public Token Current => tokens[_position];

    /// <summary>The token after the current one.</summary>
    public Token Ahead => tokens[Math.Min(_position + 1, tokens.Count - 1)];

    public int Line => Current.Line;

    /// <summary>How many <c>if</c> the parser stands within, whose branches may never be taken; see <see cref="ExpressionParser"/>.</summary>
    public int Conditions { get; set; }

    /// <summary>A fault that counts unless an inline <c>if</c> follows in the same tag.</summary>
    public ChatTemplateException? Pending { get; set; }

    public Token Next()
    {
        var token = Current;
        if (token.Kind != TokenKind.End)
            _position++;
        return token;
    }

    public bool SkipOperator(string value)
    {
        var found = Current.IsOperator(value);
        if (found)
            Next();
        return found;
    }

    public bool SkipName(string value)
    {
        var found = Current.IsName(value);
        if (found)
            Next();
        return found;
    }

    public void ExpectOperator(string value)
    {
        if (!SkipOperator(value))
            throw Unexpected($"'{value}'");
    }

    public string ExpectName(string what) => Current.Kind == TokenKind.Name ? Next().Value : throw Unexpected(what);

    public void Expect(TokenKind kind)
    {
        if (Pending is not null)
            throw Pending;
        if (Current.Kind != kind)
            throw Unexpected(new Token(kind, "", 0).Description);
        Next();
    }

    public void Enter()
    {
        if (++_depth > TemplateLimits.ParseDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Error($"brackets, operators and blocks lie deeper within one another than the limit of {TemplateLimits.ParseDepth} levels.");
    }

    public void Leave() => _depth--;

    public ChatTemplateException Unexpected(string expected) => Error($"{Current.Description} stands where {expected} was expected.");

    public ChatTemplateException Error(string reason) => new(file, Line, reason);

    public ChatTemplateException Error(int line, string reason) => new(file, line, reason);
}
