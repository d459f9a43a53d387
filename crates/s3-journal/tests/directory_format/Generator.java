import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.text.SimpleDateFormat;
import java.time.DayOfWeek;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.Date;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TimeZone;

/**
 * Prints what java.text.SimpleDateFormat makes of many patterns and instants, in UTC and Locale.US: the corpus that
 * the directory formats of s3-journal are compared with. It prints the same on each run, and wants Java 17 or later:
 *
 *     java Generator.java > corpus.tsv
 *
 * A row is a pattern, a tab, milliseconds since 1970-01-01T00:00:00Z, a tab and the text; or a pattern, a tab and an
 * exclamation mark where Java refuses the pattern. In patterns and texts a backslash is \\, and a control character
 * is a backslash, u and four hexadecimal digits. No pattern has a percent sign outside single quotes: s3-journal
 * takes such a one for a strftime pattern.
 */
public final class Generator {
    static final String LETTERS = "GyYMLwWDdFEuaHkKhmsSzZX";
    static final TimeZone UTC = TimeZone.getTimeZone("UTC");
    static final long DAY = 86_400_000L;

    static final Random random = new Random(20_261_122);
    static final List<Long> boundaries = boundaries();
    static PrintStream out;

    public static void main(String[] arguments) {
        out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.UTF_8);
        letters();
        realPatterns();
        weeksAndYears();
        cutOver();
        eras();
        hours();
        combinations();
        unsafeForKeys();
        refused();
        if (out.checkError()) {
            System.exit(1);
        }
        out.close();
    }

    /** Every letter at many widths. */
    static void letters() {
        long[] instants = {
            0, -1, at(2026, 3, 7, 13, 5, 9, 42), at(2026, 11, 22, 0, 0, 0, 0), at(1999, 12, 31, 23, 59, 59, 999),
            at(2024, 2, 29, 12, 0, 0, 7), at(987, 6, 5, 4, 3, 2, 1), at(9999, 12, 31, 23, 59, 59, 999),
            at(7, 1, 2, 0, 30, 0, 100), Long.MIN_VALUE, Long.MAX_VALUE, at(-122, 9, 30, 11, 59, 59, 10),
        };
        for (char letter : LETTERS.toCharArray()) {
            for (int width : new int[] {1, 2, 3, 4, 5, 6, 7, 12, 40}) {
                if (letter == 'X' && width > 3) {
                    refuse("X".repeat(width));
                    continue;
                }
                for (long instant : width > 7 ? new long[] {instants[2], instants[9]} : instants) {
                    row(String.valueOf(letter).repeat(width), instant);
                }
            }
        }
    }

    static final String[] REAL = {
        "yyyy/MM/dd", "yyyy/MM/dd/HH", "yyyy/MM/dd/HH/mm", "yyyyMMdd", "yyyyMMdd/HHmm", "yyyy-MM-dd",
        "yyyy-MM-dd'T'HH:mm:ss.SSSZ", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd HH:mm:ss", "yyyy.MM.dd G 'at' HH:mm:ss z",
        "EEE, MMM d, ''yy", "h:mm a", "hh 'o''clock' a, zzzz", "K:mm a, z", "yyyyy.MMMMM.dd GGG hh:mm aaa",
        "EEE, d MMM yyyy HH:mm:ss Z", "yyMMddHHmmssZ", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "YYYY-'W'ww-u", "YYYY/ww",
        "'year='yyyy/'month='MM/'day='dd", "'year='yyyy/'month='MM/'day='dd/'hour='HH", "'dt='yyyy-MM-dd/'hr='HH",
        "'events'/yyyy/MM/dd", "'logs/'yyyy/DDD", "yyyy/'Q'/MMM", "MMM/yyyy", "MMMM yyyy", "yy/MM/dd", "yyyy/MMM/dd",
        "yyyy/'week'-ww", "yyyy'/'MM'/'dd", "y/M/d", "dd.MM.yyyy", "MM-dd-yyyy", "EEEE", "yyyyDDD", "HH", "LLLL", "LLL/y",
    };

    static void realPatterns() {
        for (String pattern : REAL) {
            for (int i = 0; i < 16; i++) {
                row(pattern, recent());
            }
            for (int i = 0; i < 10; i++) {
                row(pattern, instant());
            }
        }
    }

    /** The days about each new year: where years of weeks and weeks of years and months change. */
    static void weeksAndYears() {
        for (int year : new int[] {
            1, 2, 4, 5, 100, 400, 999, 1000, 1500, 1580, 1581, 1582, 1583, 1584, 1600, 1700, 1899, 1900, 1901, 1969, 1970,
            1971, 1972, 1999, 2000, 2001, 2004, 2005, 2010, 2011, 2016, 2017, 2020, 2021, 2022, 2023, 2024, 2025, 2026,
            2027, 2028, 2032, 2033, 2050, 2099, 2100, 2101, 2400, 9998, 9999,
        }) {
            for (int day = -8; day <= 8; day++) {
                row("G y D Y w W F u", at(year, 1, 1, 0, 0, 0, 0) + day * DAY + random.nextInt((int) DAY));
            }
            row("y-M-d D w W F E", at(year, 2, 28, 23, 59, 59, 999));
            row("y-M-d D w W F E", at(year, 2, 28, 23, 59, 59, 999) + 1);
            row("y-M-d D w W F E", at(year, 3, 1, 0, 0, 0, 0) - 1);
            row("y-M-d D w W F E", at(year, 3, 1, 0, 0, 0, 0));
        }
    }

    /** The autumn of 1582, when the calendar skipped ten days, and the months and years about it. */
    static void cutOver() {
        long cutOver = at(1582, 10, 15, 0, 0, 0, 0);
        for (int day = -40; day <= 110; day++) {
            row("G yyyy-MM-dd D Y w W F E", cutOver + day * DAY);
        }
        row("yyyy-MM-dd HH:mm:ss.SSS", cutOver - 1);
        row("yyyy-MM-dd HH:mm:ss.SSS", cutOver);
        for (int day = -800; day <= 800; day += 13) {
            row("yy/M/d D/YY w W F E", cutOver + day * DAY);
        }
    }

    /** The years before and after the eras' change. */
    static void eras() {
        for (int year = -45; year <= 12; year++) {
            for (int day : new int[] {-7, -6, -5, -4, -3, -2, -1, 0, 1, 6, 58, 59, 60}) {
                row("G y-M-d D Y w W F", at(year, 1, 1, 0, 0, 0, 0) + day * DAY);
            }
        }
        for (int i = 0; i < 400; i++) {
            int year = -(int) StrictMath.pow(10, 1 + random.nextDouble() * 4);
            row(i % 2 == 0 ? "GGGG yyyy YYYY YY w" : "G yy Y YYY D w W u",
                at(year, 1, 1, 0, 0, 0, 0) + (random.nextInt(16) - 8) * DAY);
        }
    }

    /** All hours, in all ways of counting them. */
    static void hours() {
        for (int hour = 0; hour < 24; hour++) {
            for (long off : new long[] {0, 1, 3_599_999}) {
                row("a h K H k hh KK HH kk mm ss SSS S", at(2026, 7, 4, hour, 0, 0, 0) + off);
            }
        }
    }

    /** Letters, punctuation and quotes as they come. */
    static void combinations() {
        for (int i = 0; i < 16_500; i++) {
            StringBuilder pattern = new StringBuilder();
            for (int pieces = 1 + random.nextInt(6); pieces > 0; pieces--) {
                pattern.append(piece());
                if (random.nextInt(3) == 0 && pieces > 1) {
                    pattern.append(pick("/", "-", ":", "'/'", "_", ", "));
                }
            }
            row(pattern.toString(), instant());
        }
    }

    /** What Java takes and a key shouldn't have. */
    static void unsafeForKeys() {
        long some = at(2026, 3, 7, 13, 5, 9, 42);
        for (String pattern : new String[] {
            "", "/", "//", "/yyyy", "yyyy/", "yyyy//MM", "'/'", "'//'", "yyyy'/'/MM", "yyyy/'/'MM", "yyyy/MM/dd/", "///yyyy", ".",
            "..", "./yyyy", "yyyy/.", "yyyy/../MM", "yyyy/'.'/MM", "'..'/yyyy", "'./'yyyy", "../..", "yyyy/./MM/", "\t", "yyyy\t",
            "yyyy\nMM", "'\u0000'yyyy", "yyyy'\u007f'", "yyyy\u0085MM", "yyyy/\u001b/MM", "y".repeat(257), "yyyy".repeat(64) + "/",
            "zzzz-".repeat(40), "'" + "\u00e4".repeat(128) + "'", "\u00e4".repeat(129), "zzzz''".repeat(30),
        }) {
            row(pattern, some);
        }
        // As like those, and yet fit.
        for (String pattern : new String[] {
            "...", "yyyy/...", ".yyyy", "yyyy.", "..yyyy/MM..", "yyyy/.MM", "yyyy/MM.", "' '/yyyy", " ", "yyyy/ /MM", "~", "yyyy\\MM", "'%'yyyy",
            "yyyy'%Y'", "'100%'/yyyy", "y".repeat(256), "\u00e4".repeat(128), "zzzz-".repeat(18) + "y", "yyyy\ud83d\ude00MM\u00fc",
            "'\ud83d\ude00'", "\u5e74yyyy\u6708MM",
        }) {
            row(pattern, some);
        }
        for (int i = 0; i < 500; i++) {
            StringBuilder pattern = new StringBuilder();
            for (int pieces = 1 + random.nextInt(5); pieces > 0; pieces--) {
                pattern.append(pick("/", "/", "/", ".", "..", "'/'", "'.'", "\u0001", piece(), piece(), piece(), piece(), piece()));
            }
            row(pattern.toString(), instant());
        }
    }

    /** What Java doesn't take. */
    static void refused() {
        for (char letter = 'A'; letter <= 'z'; letter++) {
            if (Character.isLetter(letter) && LETTERS.indexOf(letter) < 0) {
                refuse(String.valueOf(letter));
                refuse("yyyy" + letter + letter + "MM");
                refuse("yyyy/'" + letter + "'/" + letter);
                row("yyyy/'" + letter + "'", recent());
            }
        }
        for (String pattern : new String[] {
            "'", "'''", "'''''", "yyyy'", "yyyy/'MM", "'yyyy''", "yyyy''/'", "'a''b", "yyyy-MM-ddTHH", "hh o'clock", "'%Y", "XXXX", "yyyyXXXXX",
            "yyyy/XXXX/'", "today", "week ww", "dd/mm/yyyy t",
        }) {
            refuse(pattern);
        }
        for (int i = 0; i < 400; i++) {
            StringBuilder pattern = new StringBuilder();
            for (int pieces = random.nextInt(5); pieces > 0; pieces--) {
                pattern.append(piece());
            }
            String flaw = pick("b", "T", "XXXX", "N", "x", "o", "Q");
            int kind = random.nextInt(3);
            refuse(kind == 0 ? pattern + "'" + word() : kind == 1 ? flaw + pattern : pattern + "-" + flaw);
        }
    }

    static String piece() {
        switch (random.nextInt(12)) {
            case 0:
                return "'" + word() + "'";
            case 1:
                return "'" + word() + "''" + word() + "'";
            case 2:
                return "''";
            case 3:
                return pick("-", ".", ":", " ", "_", "=", "+", "#", ",", "\\", "~", "\u00e9", "\u00fc\u4e16", "0", "9", "(", "@", "\ud83d\ude00");
            default:
                char letter = LETTERS.charAt(random.nextInt(LETTERS.length()));
                return String.valueOf(letter).repeat(1 + random.nextInt(letter == 'X' ? 3 : random.nextInt(4) == 0 ? 6 : 4));
        }
    }

    static String word() {
        return pick("a", "T", "at", "day=", "year=", "o", "x/y", "%", "100%Y", "W", "Z", "hour-", "\u00e9t\u00e9", "b.c", "yyyy", " ", "\"", "{}");
    }

    static String pick(String... choices) {
        return choices[random.nextInt(choices.length)];
    }

    /** From 1970 to 2100. */
    static long recent() {
        long instant = (long) (random.nextDouble() * at(2101, 1, 1, 0, 0, 0, 0));
        switch (random.nextInt(6)) {
            case 0:
                return instant / DAY * DAY;
            case 1:
                return instant / DAY * DAY + DAY / 2;
            case 2:
                return instant / 1_000 * 1_000;
            case 3:
                return instant / DAY * DAY - 1;
            default:
                return instant;
        }
    }

    static long instant() {
        int kind = random.nextInt(20);
        if (kind < 12) {
            return recent();
        }
        if (kind < 15) {
            return boundaries.get(random.nextInt(boundaries.size())) + random.nextInt(3) - 1;
        }
        long first = at(1, 1, 1, 0, 0, 0, 0);
        if (kind < 18) {
            return first + (long) (random.nextDouble() * (at(10_000, 1, 1, 0, 0, 0, 0) - first));
        }
        if (kind < 19) {
            return first - (long) (random.nextDouble() * (1L << 42 + random.nextInt(8)));
        }
        return random.nextLong() >> random.nextInt(24);
    }

    /** Midnights and noons on which something begins: years, leap days, months, weeks, the new reckoning, the era. */
    static List<Long> boundaries() {
        List<Long> found = new ArrayList<>();
        for (int year : new int[] {1, 4, 1500, 1582, 1583, 1600, 1900, 1970, 2000, 2024, 2026, 2027, 2100, 9999}) {
            for (int month = 1; month <= 12; month++) {
                found.add(at(year, month, 1, 0, 0, 0, 0));
                found.add(at(year, month, 1, 12, 0, 0, 0));
            }
            found.add(at(year, 2, 28, 24, 0, 0, 0));
            found.add(at(year, 12, 31, 12, 0, 0, 0));
        }
        found.add(at(1582, 10, 15, 0, 0, 0, 0));
        for (int year = 2020; year < 2032; year++) {
            LocalDate sunday = LocalDate.of(year, 1, 1);
            while (sunday.getDayOfWeek() != DayOfWeek.SUNDAY) {
                sunday = sunday.minusDays(1);
            }
            found.add(sunday.atStartOfDay().toInstant(ZoneOffset.UTC).toEpochMilli());
        }
        return found;
    }

    /** An instant by date and time of the calendar that SimpleDateFormat uses; the year before 1 is 0. */
    static long at(int year, int month, int day, int hour, int minute, int second, int millisecond) {
        GregorianCalendar calendar = new GregorianCalendar(UTC, Locale.US);
        calendar.clear();
        if (year <= 0) {
            calendar.set(Calendar.ERA, GregorianCalendar.BC);
            year = 1 - year;
        }
        calendar.set(year, month - 1, day, hour, minute, second);
        calendar.set(Calendar.MILLISECOND, millisecond);
        return calendar.getTimeInMillis();
    }

    static void row(String pattern, long instant) {
        SimpleDateFormat format;
        try {
            format = new SimpleDateFormat(pattern, Locale.US);
        } catch (IllegalArgumentException refused) {
            out.print(escaped(pattern) + "\t!\n");
            return;
        }
        format.setTimeZone(UTC);
        out.print(escaped(pattern) + '\t' + instant + '\t' + escaped(format.format(new Date(instant))) + '\n');
    }

    static void refuse(String pattern) {
        try {
            new SimpleDateFormat(pattern, Locale.US);
        } catch (IllegalArgumentException refused) {
            out.print(escaped(pattern) + "\t!\n");
            return;
        }
        throw new AssertionError("Java takes " + pattern);
    }

    static String escaped(String text) {
        StringBuilder escaped = new StringBuilder();
        for (char character : text.toCharArray()) {
            if (character == '\\') {
                escaped.append("\\\\");
            } else if (Character.isISOControl(character)) {
                escaped.append(String.format("\\u%04x", (int) character));
            } else {
                escaped.append(character);
            }
        }
        return escaped.toString();
    }
}
