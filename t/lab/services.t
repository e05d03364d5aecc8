# What the user sees when services that the client asks are in trouble, or the script it runs.
use strict;
use warnings;

use Test::More;

use Lab;

BEGIN { Lab->enter }

use Lab::Scenarios;
use Lab::Stage;

my $stage = Lab::Stage->new;
$stage->play($_, 'wireguard') for @SERVICES;
$stage->end;
done_testing;
