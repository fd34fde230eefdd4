using System.Globalization;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Python's <c>strftime</c> in the C locale (Python Standard Library, "strftime() and strptime() Format Codes"); a minus drops leading zeros, as in glibc.</summary>
internal static class DateFormat
{
    private const string Supported = "%a %A %b %B %d %e %f %H %I %j %m %M %p %S %y %Y %z %Z %F %T %%, and %-d and its like";

    public static string Format(RenderContext context, string format, DateTimeOffset time)
    {
        var result = new TextBuilder(context);
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }

            var bare = i + 1 < format.Length && format[i + 1] == '-';
            i += bare ? 2 : 1;
            var piece = i < format.Length ? Directive(format[i], time) : null;
            if (piece is null)
                throw context.Error($"'strftime_now' cannot write '{format}'; supported are {Supported}.");
            result.Append(bare ? WithoutZeros(piece) : piece);
        }

        return result.ToString();
    }

    private static string? Directive(char code, DateTimeOffset time) => code switch
    {
        'a' => Text(time, "ddd"),
        'A' => Text(time, "dddd"),
        'b' => Text(time, "MMM"),
        'B' => Text(time, "MMMM"),
        'd' => Text(time, "dd"),
        'e' => Text(time, "dd") is ['0', var day] ? $" {day}" : Text(time, "dd"),
        'f' => Text(time, "ffffff"),
        'F' => Text(time, "yyyy-MM-dd"),
        'H' => Text(time, "HH"),
        'I' => Text(time, "hh"),
        'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'm' => Text(time, "MM"),
        'M' => Text(time, "mm"),
        'p' => Text(time, "tt"),
        'S' => Text(time, "ss"),
        'T' => Text(time, "HH:mm:ss"),
        'y' => Text(time, "yy"),
        'Y' => Text(time, "yyyy"),
        'z' or 'Z' => "", // datetime.now() knows no zone
        '%' => "%",
        _ => null,
    };

    private static string Text(DateTimeOffset time, string format) => time.ToString(format, CultureInfo.InvariantCulture);

    private static string WithoutZeros(string number)
    {
        var rest = number.TrimStart('0');
        return rest.Length == 0 && number.Length > 0 ? "0" : rest;
    }
}
