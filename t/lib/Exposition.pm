package Exposition;

=head1 NAME

Exposition - reads metrics, strictly, in both formats of Prometheus

=head1 SYNOPSIS

    my $metrics = Exposition->parse($answer->{content}, 'openmetrics');
    is_deeply([ $metrics->faults ], [], 'well-formed');
    is($metrics->value('vpnsentinel_clients', light => 'red', status => 'online'), 3);

=head1 DESCRIPTION

=head2 parse(CONTENT, FORMAT)

FORMAT is "text" (version 0.0.4) or "openmetrics" (1.0). Never dies: what is wrong is a fault.

=head2 faults

What is wrong, in words, each with its line; an empty list when nothing is.

=head2 families

The names of the families, in order: with the suffix "_total" or "_info" in the text format too, so
that both formats have the same.

=head2 family(NAME)

A hash of type, help, unit (undef in the text format) and samples.

=head2 samples(NAME)

The samples of this name: hashes of labels (a hash, values as characters) and value.

=head2 value(NAME, LABEL => VALUE...)

The value of the one sample that has these labels and no other; undef when there is none.

=cut

use strict;
use warnings;

use Encode ();

my $NAME = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
my $LABEL = qr/[a-zA-Z_][a-zA-Z0-9_]*/;
my $TEXT = qr/(?:[^"\\\n]|\\[\\"n])*/;
my $NUMBER = qr/-?\d+(?:\.\d+)?/;

my %SUFFIX = (gauge => '', counter => '_total', info => '_info');

sub parse {
    my ($class, $content, $format) = @_;
    my $self = bless {
        format => $format, family => {}, order => [], faults => [], current => '', samples => {}, seen => {},
    }, $class;
    my $text = eval { Encode::decode('UTF-8', $content, Encode::FB_CROAK | Encode::LEAVE_SRC) };
    $self->_fault('all', 'is not UTF-8') if !defined $text;
    my @lines = split /\n/, $text // '', -1;
    $self->_fault('the last line', 'does not end') if @lines && pop(@lines) ne '';
    if ($format eq 'openmetrics') {
        $self->_fault('the last line', 'is not # EOF') if @lines == 0 || pop(@lines) ne '# EOF';
    }
    $self->_line($_) for @lines;
    $self->_check_families;
    return $self;
}

sub faults {
    my ($self) = @_;
    return @{ $self->{faults} };
}

sub families {
    my ($self) = @_;
    return map { $self->_common_name($_) } @{ $self->{order} };
}

sub family {
    my ($self, $name) = @_;
    my ($found) = grep { $self->_common_name($_) eq $name } @{ $self->{order} };
    return defined $found ? $self->{family}{$found} : undef;
}

sub samples {
    my ($self, $name) = @_;
    return @{ $self->{samples}{$name} // [] };
}

sub value {
    my ($self, $name, %label) = @_;
    my $wanted = _key(%label);
    my ($found) = grep { _key(%{ $_->{labels} }) eq $wanted } $self->samples($name);
    return defined $found ? $found->{value} : undef;
}

# --- lines ----------------------------------------------------------------------------------------

sub _line {
    my ($self, $line) = @_;
    if (my ($keyword, $name, $rest) = $line =~ /\A# (HELP|TYPE|UNIT) ($NAME) (.+)\z/) {
        $self->_metadata($line, $keyword, $name, $rest);
    } elsif (my ($sample, $labels, $value) = $line =~ /\A($NAME)(?:\{(.*)\})? ($NUMBER)\z/) {
        $self->_sample($line, $sample, $labels, $value);
    } else {
        $self->_fault($line, 'is no line of this format');
    }
}

sub _metadata {
    my ($self, $line, $keyword, $name, $rest) = @_;
    if ($name ne $self->{current}) {
        $self->_fault($line, 'its family was there before') if $self->{family}{$name};
        push @{ $self->{order} }, $name;
        $self->{current} = $name;
        $self->{family}{$name} = { samples => [] };
    }
    my $family = $self->{family}{$name};
    $self->_fault($line, 'a family has each of these once') if defined $family->{ lc $keyword };
    $self->_fault($line, 'it comes behind the samples') if @{ $family->{samples} };
    $self->_fault($line, 'only OpenMetrics has units') if $keyword eq 'UNIT' && $self->_is_text;
    $self->_fault($line, 'what is escaped in it, is not') if $rest =~ /\\(?![\\n])/;
    $family->{ lc $keyword } = $rest;
}

sub _sample {
    my ($self, $line, $name, $text, $value) = @_;
    my $family = $self->{family}{ $self->{current} };
    if (!$family || !defined $family->{type} || $name ne $self->_sample_name($self->{current}, $family->{type})) {
        $self->_fault($line, 'it is not of the family before it');
        return;
    }
    my %labels;
    if (defined $text) {
        my $pair = qr/($LABEL)="($TEXT)"/;
        $self->_fault($line, 'its labels are none') if $text !~ /\A$pair(?:,$pair)*\z/;
        while ($text =~ /$pair/g) {
            my ($label, $raw) = ($1, $2);
            $self->_fault($line, "it has $label twice") if exists $labels{$label};
            $labels{$label} = $raw =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ger;
        }
    }
    $self->_fault($line, 'it is there twice') if $self->{seen}{"$name " . _key(%labels)}++;
    $self->_fault($line, 'a counter and an info are not negative')
        if $family->{type} ne 'gauge' && $value < 0;
    my %sample = (labels => \%labels, value => $value);
    push @{ $family->{samples} }, \%sample;
    push @{ $self->{samples}{$name} }, \%sample;
}

# --- families -------------------------------------------------------------------------------------

sub _check_families {
    my ($self) = @_;
    for my $name (@{ $self->{order} }) {
        my $family = $self->{family}{$name};
        my $type = $family->{type} // '';
        $self->_fault($name, 'has no HELP') if !defined $family->{help};
        my $types = $self->_is_text ? qr/\A(?:gauge|counter)\z/ : qr/\A(?:gauge|counter|info)\z/;
        $self->_fault($name, 'has no TYPE that is known') if $type !~ $types;
        $self->_fault($name, '_total is for counters, and only for these')
            if $self->_is_text && ($type eq 'counter') != ($name =~ /_total\z/);
        $self->_fault($name, 'is without suffix here') if !$self->_is_text && $name =~ /_(?:total|info)\z/;
        next if $self->_is_text;
        my $unit = $family->{unit};
        $self->_fault($name, 'does not end in its unit') if defined $unit && $name !~ /_\Q$unit\E\z/;
        $self->_fault($name, 'ends in a unit that it does not tell')
            if !defined $unit && $name =~ /_(?:seconds|bytes|ratio)\z/;
    }
}

sub _is_text {
    my ($self) = @_;
    return $self->{format} eq 'text';
}

sub _sample_name {
    my ($self, $family, $type) = @_;
    return $self->_is_text ? $family : $family . ($SUFFIX{$type} // '');
}

sub _common_name {
    my ($self, $family) = @_;
    return $self->_sample_name($family, $self->{family}{$family}{type} // '');
}

sub _key {
    my (%label) = @_;
    return join ',', map { "$_=$label{$_}" } sort keys %label;
}

sub _fault {
    my ($self, $where, $what) = @_;
    push @{ $self->{faults} }, "$where: $what";
}

1;
