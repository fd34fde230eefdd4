using System.Runtime.InteropServices;
using System.Text;

namespace Deepseek.Inference.Tokenization;

/// <summary>Text to token ids and back, for the model folders of DeepSeek V2, V3 and R1 and of the models distilled from R1.</summary>
/// <remarks>
/// Ids equal those of Hugging Face's <c>tokenizers</c> for the same <c>tokenizer.json</c>: a byte-level BPE vocabulary.
/// Everything is done on code points, so that characters beyond U+FFFF are classified as there. Half a surrogate pair, which no
/// UTF-8 text can hold, counts as U+FFFD. Immutable after loading: one instance serves any number of threads.
/// </remarks>
public sealed partial class DeepseekTokenizer
{
    private readonly string?[] _texts; // [VocabularySize]; null: no token has the id
    private readonly byte[]?[] _bytes; // [VocabularySize]; what a token decodes to
    private readonly bool[] _special; // [VocabularySize]
    private readonly bool[] _control; // [VocabularySize]
    private readonly Dictionary<string, int> _ids;
    private readonly BytePairModel _model;
    private readonly TextSplitter _splitter;
    private readonly bool _compose;
    private readonly AddedTokenMatcher _raw;
    private readonly AddedTokenMatcher _normalized;

    /// <summary>One more than the largest id. A model's output may be wider: its last rows then belong to no token.</summary>
    public int VocabularySize => _texts.Length;

    /// <summary>The text of the token that begins a sequence; null where <c>tokenizer_config.json</c> names none.</summary>
    public string? BeginToken { get; }

    /// <summary>The id of <see cref="BeginToken"/>.</summary>
    public int? BeginTokenId => BeginToken is null ? null : _ids[BeginToken];

    /// <summary>The text of the token that ends a sequence; null where <c>tokenizer_config.json</c> names none.</summary>
    public string? EndToken { get; }

    /// <summary>The id of <see cref="EndToken"/>.</summary>
    public int? EndTokenId => EndToken is null ? null : _ids[EndToken];

    /// <summary>Whether a prompt that is no conversation begins with <see cref="BeginToken"/> (<c>add_bos_token</c>); <see cref="Encode(string)"/> never adds it.</summary>
    public bool AddBeginToken { get; }

    /// <summary>The longest sequence in tokens (<c>model_max_length</c>); null where there is no bound.</summary>
    public int? ModelMaxLength { get; }

    /// <summary>The Jinja template of a conversation (<c>chat_template</c> of <c>tokenizer_config.json</c>, of several the one named "default"); null where there is none.</summary>
    public string? ChatTemplateSource { get; }

    /// <summary>Encodes a text. Tokens that are written out in it, such as <c>&lt;｜User｜&gt;</c>, become their ids; none is added.</summary>
    /// <param name="text">The text; may be empty.</param>
    /// <returns>The ids, in the order of the text.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public IReadOnlyList<int> Encode(string text) => Encode(text, parseSpecialTokens: true);

    /// <summary>Encodes a text, and says whether tokens that are written out in it count as such.</summary>
    /// <param name="text">The text; may be empty.</param>
    /// <param name="parseSpecialTokens">
    /// True: as <see cref="Encode(string)"/>. False: all is plain text, and nobody can forge a control token by writing it. That goes for all added
    /// tokens, whether or not the file calls them special, since it does not call <c>&lt;｜User｜&gt;</c> so.
    /// </param>
    /// <returns>The ids, in the order of the text.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public IReadOnlyList<int> Encode(string text, bool parseSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = WellFormed(text);
        List<int> ids = [];
        if (!parseSpecialTokens)
        {
            EncodePlain(Normalize(text), ids);
            return ids;
        }

        // Tokens that are not normalised are looked for in the text as it is, the others in what lies between, once that is normalised.
        _raw.Scan(text, (start, end) => EncodePart(Normalize(text[start..end]), ids), token => ids.Add(token.Id));
        return ids;
    }

    /// <summary>Decodes ids to text.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecialTokens">Leaves out the tokens for which <see cref="IsSpecial"/> holds.</param>
    /// <returns>The text; bytes that are not UTF-8 become U+FFFD, one for each maximal beginning of a character.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No token has one of the ids.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        List<byte> bytes = [];
        foreach (var id in ids)
        {
            var token = Bytes(id, nameof(ids));
            if (!skipSpecialTokens || !_special[id])
                bytes.AddRange(token);
        }

        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }

    /// <inheritdoc cref="Decode(ReadOnlySpan{int}, bool)"/>
    /// <exception cref="ArgumentNullException"><paramref name="ids"/> is null.</exception>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return Decode(ids.ToArray().AsSpan(), skipSpecialTokens);
    }

    /// <summary>A decoder that takes one token after the other, as they are generated.</summary>
    /// <param name="skipSpecialTokens">Leaves out the tokens for which <see cref="IsSpecial"/> holds.</param>
    public IncrementalDecoder CreateDecoder(bool skipSpecialTokens = false) => new(this, skipSpecialTokens);

    /// <summary>The id of a token as the vocabulary writes it; null where there is no such token.</summary>
    /// <param name="token">A control token's text, or a byte-level token such as <c>Ġthe</c>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="token"/> is null.</exception>
    public int? TokenId(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    /// <summary>A token as the vocabulary writes it (see <see cref="TokenId"/>); null where no token has the id.</summary>
    /// <param name="id">The id.</param>
    public string? TokenText(int id) => (uint)id < (uint)_texts.Length ? _texts[id] : null;

    /// <summary>Whether the file marks a token as special; false where no token has the id.</summary>
    /// <param name="id">The id.</param>
    public bool IsSpecial(int id) => (uint)id < (uint)_special.Length && _special[id];

    /// <summary>Whether a token is a sign to the model rather than text: an added token that is special, or written as <c>&lt;｜User｜&gt;</c> and <c>｜DSML｜</c> are.</summary>
    /// <remarks>The files call few of them special; and some add words, which are text.</remarks>
    internal bool IsControl(int id) => (uint)id < (uint)_control.Length && _control[id];

    /// <summary>The bytes of a token.</summary>
    internal byte[] Bytes(int id, string parameter)
    {
        if ((uint)id < (uint)_bytes.Length && _bytes[id] is { } bytes)
            return bytes;
        throw new ArgumentOutOfRangeException(parameter, id, $"No token has the id {id}; ids are 0 to {_bytes.Length - 1}, where the tokenizer leaves no gap.");
    }

    private void EncodePart(string text, List<int> ids) =>
        _normalized.Scan(text, (start, end) => EncodePlain(text.AsSpan(start, end - start), ids), token => ids.Add(token.Id));

    private void EncodePlain(ReadOnlySpan<char> text, List<int> ids)
    {
        if (_splitter.AddPrefixSpace && text is not ([] or [' ', ..]))
            text = $" {text}";
        foreach (var piece in _splitter.Split(text))
            _model.Encode(text.Slice(piece.Start, piece.Length), ids);
    }

    private string Normalize(string text) => _compose ? CanonicalComposition.Compose(text) : text;

    private static string WellFormed(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
            return text;
        var wellFormed = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) // yields U+FFFD for half a pair
            wellFormed.Append(rune);
        return wellFormed.ToString();
    }
}
