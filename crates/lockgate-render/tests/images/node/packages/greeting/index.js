exports.greeting = 'first';
