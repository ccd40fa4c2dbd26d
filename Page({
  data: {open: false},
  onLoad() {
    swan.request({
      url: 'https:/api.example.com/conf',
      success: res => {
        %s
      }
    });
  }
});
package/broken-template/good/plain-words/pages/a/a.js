Page({
  data: {in: true, new: 1}
});
