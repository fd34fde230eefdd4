namespace Deepseek.Inference.Generation;

/// <summary>Takes a sequence's tokens on the thread that generates them; must not block.</summary>
internal interface ITokenSink
{
    /// <summary>Takes a token.</summary>
    void Add(TokenResult token);

    /// <summary>Ends the sequence.</summary>
    /// <param name="fault">Why it ended early; null where the last token ended it.</param>
    void Complete(Exception? fault);
}
