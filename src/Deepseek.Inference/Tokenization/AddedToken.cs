namespace Deepseek.Inference.Tokenization;

/// <summary>A token that is found in the text itself, before anything is split or merged.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="Special">Decoding may leave it out.</param>
/// <param name="Normalized">It is looked for after the text was normalised rather than before.</param>
/// <param name="StripLeft">It takes the white space before it along.</param>
/// <param name="StripRight">It takes the white space after it along.</param>
/// <param name="SingleWord">It counts only where no word character adjoins it.</param>
internal sealed record AddedToken(int Id, string Content, bool Special, bool Normalized, bool StripLeft, bool StripRight, bool SingleWord);
